"""What the small protocols of all trainings of students share; digits, no download, minutes on a CPU.

``pictures``  digits, canvases with several labels, canvases with masks, turned and inverted digits
``nets``      the networks that teach, as plain modules: ``Net("lenet", (16, 32, 64))``
``teaching``  ``teacher(net, pictures, seed=0)``: trained with labels, exported, kept between runs
``scenes``    ``Scene``: teachers, student, evaluation set, images; ``of_room`` runs a room on one
``published_game``  the published loop of adversarial distillation, told again, to compare with
``anchors``   what every room stands beside: ``supervised``, ``kd_real``, ``kd_noise``,
              ``kd_untrained``
``protocol``  ``Row``, ``Table``, ``Protocol`` and ``main``: seeds by rows, resumable, into the page

A protocol in full:

    def _scene(seed: int) -> Scene:
        split = digits()
        one = teacher(Net("lenet", (16, 32, 64)), split.train, name="digits", seed=seed)
        student = Student(architecture=Body.LENET, width=8)
        return Scene((one,), student, split.test.evaluation_set, split.train)

    def _row(seed: int) -> Numbers:
        return of_room(run, SomeParams(seed=seed), _scene(seed))      # with_images(...) for data

    ROWS = (
        Row("supervised", "supervised", lambda seed: supervised(_scene(seed), seed=seed)),
        Row("ours", "**ours**", _row),
    )
    TABLE = Table("main", ROWS, (Column("accuracy", "accuracy"),), words="...")
    if __name__ == "__main__":
        main(Protocol("some_method", (TABLE,)))

and ``python -m benchmarks.some_method --seeds 0 1 2 [--rows ours …]`` adds to
docs/results/some_method.json and writes the table between ``<!-- measured: main -->`` and
``<!-- end -->`` of docs/methods/some_method.md.
"""
