"""Names of the staged files of a training, for the one who lays them out and the one who reads."""

TEACHER, DATASET, EVAL_DATASET, START = (
    "teacher_{}.pt2",
    "dataset.npy",
    "eval_dataset.npy",
    "start.pt2",
)
