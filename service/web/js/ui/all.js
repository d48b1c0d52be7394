// The parts that most views use, under one address.
export { Choice, Copy, Empty, Facts, Figures, Head, Hint, ModelLink, Panel, Problem, Progress, Prose, Segments, Skeleton, State, Tabs, Time, copy } from "./parts.js";
export { Show, useResource } from "./resource.js";
export { useFocus } from "./window_rows.js";
