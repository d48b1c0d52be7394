"""Names of the staged files of a training, for the one who lays them out and the one who reads."""

TEACHER, DATA, EXAM, START = "teacher_{}.pt2", "data.npy", "exam.npy", "start.pt2"
