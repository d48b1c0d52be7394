"""Names of the staged files of a training, for the worker that writes and the child that reads them."""

TEACHER, DATA, EXAM, START = "teacher_{}.pt2", "data.npy", "exam.npy", "start.pt2"
