// What the metrics of rankings are called and how they compare.

/** Name, title, explanation. */
export const METRICS = [
  ["auto", "Best evidence", "Chooses by what is known: labels of the target, measured accuracies, or the likeness to a target network."],
  ["labels_and_history", "Labels and history", "The mean of Labels and Fused, standardized."],
  ["labels", "Labels", "The mean of several estimators from the labels of the target, standardized."],
  ["fused", "Fused", "Expected accuracy from labels, attribution graphs and the history of measured accuracies together, with the probability that each network is best."],
  ["depara", "DEPARA", "Compares where networks look (attribution maps) and which images they find alike (relations of features). Needs no labels."],
  ["depara_plus", "DEPARA+", "DEPARA with flattened relations, which weigh rare directions of the features more. Needs no labels."],
  ["attribution", "Attribution maps", "Compares only where networks look. Needs no labels."],
  ["dds", "DDS", "Compares which images networks find alike: duality diagram similarity of z-scored features. Needs no labels."],
  ["rsa", "RSA", "Compares the order in which networks find images alike; with a labeled dataset as the target, compares it with the labels."],
  ["linear_cka", "Linear CKA", "Compares inner products of centered features; with a labeled dataset as the target, compares them with the labels."],
  ["logme", "LogME", "Evidence of a linear model of the labels on the network's features."],
  ["h_score", "H-score", "How well the features separate the labels relative to their spread."],
  ["leep", "LEEP", "How well the network's own classes predict the labels."],
  ["knn", "Nearest neighbors", "Accuracy of the nearest neighbors among the features."],
  ["linear_probe", "Linear probe", "Accuracy of a linear classifier on the features."],
];
const COMPARING = new Set(["depara", "depara_plus", "attribution", "dds", "rsa", "linear_cka"]);

/** Whether a metric compares networks through a probe set. @param {string} name */
export const comparesNetworks = (name) => COMPARING.has(name);
/** @param {string} name */
export const metricName = (name) => METRICS.find(([key]) => key === name)?.[1] ?? name.replaceAll("_", " ");
/** @param {string} name */
export const metricAbout = (name) => METRICS.find(([key]) => key === name)?.[2] ?? "Estimates from the labels of the target how well each network transfers.";
