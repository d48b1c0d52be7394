"""Names of the files that a training is given."""

TEACHER = "teacher_{}.pt2"
DATA = "data.npy"
EXAM = "exam.npy"
START = "start.pt2"
