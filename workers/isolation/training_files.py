"""Names of the staged files of a training, for the worker that writes and the child that reads them."""

TEACHER, DATASET, EVAL_DATASET, STYLE_DATASET, MASKS, EVAL_MASKS, START = (
    "teacher_{}.pt2",
    "dataset.npy",
    "eval_dataset.npy",
    "style_dataset.npy",
    "masks.npy",
    "eval_masks.npy",
    "start.pt2",
)
CLIPS_FILE, EVAL_CLIPS_FILE = "clips.pack", "eval_clips.pack"
STOCKED_CLIPS = "stocked_clips.json"
TEACHING_READER = "teacher.safetensors"
FIRST_STAGE = "first_stage.safetensors"
