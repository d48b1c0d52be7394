"""Networks that give a picture the style of another, and how they paint pictures of any size."""
