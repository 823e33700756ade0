"""The report's experiments in words: what it did, what ours needs, and in what it differs. Loads nothing slow."""

import dataclasses

_REPORT_IMAGES, _REPORT_BATCH_SIZE = 109_631, 64
_TINY = 'python -m tools.make_records --photos=FOLDER --limit=64'


@dataclasses.dataclass(frozen=True)
class Task:
  """One experiment.

  Attributes:
    title: str.
    did: str, what the report did.
    differs: str, where ours is another.
    kinds: tuple of str, kinds of sets that it can be done on.
    align: str, how its set is to be aligned.
    make: str, the command that makes such a set.
    num_minibatches: int, of each run by default; of experiment 5 those after which its two runs are compared.
  """

  title: str
  did: str
  differs: str
  kinds: tuple
  align: str
  make: str
  num_minibatches: int = 1000


TASKS = {
    1: Task(
        'Experiment 1: the baseline on many faces',
        'The report trained on 109,631 aligned photos of celebrities, 64 in a minibatch, with Adam at a learning rate '
        'of 0.0002 and a beta1 of 0.5, and showed samples of random points of Z at 20 % of an epoch.',
        'The set is another one, so minibatches are counted and not epochs.',
        ('photos', 'celeba'), 'eyes', 'python -m tools.make_records --photos=FOLDER',
        int(0.2 * _REPORT_IMAGES / _REPORT_BATCH_SIZE)),
    2: Task(
        'Experiment 2: a tiny set of one person, not aligned',
        'The report trained on 64 photos of one person, cropped and not aligned, in minibatches of 1, 9 and 64, and '
        'then with minibatches of similar pictures that overlap.',
        'The order of similarity is computed, where the report had human judgement. In minibatches of 1, and of the '
        'whole set, overlapping ones hold the same pictures as shuffled ones, so only sizes between tell the two '
        'apart. All runs have as many minibatches, so those of small ones see fewer pictures.',
        ('photos',), 'off', f'{_TINY} --align=off --name=NAME_unaligned'),
    3: Task(
        'Experiment 3: the same tiny set, aligned',
        'The report did experiment 2 again with the photos aligned by the eyes, all else as before.',
        'As in experiment 2. A sample counts as mangled where Face Mesh finds no face in it; both experiments are '
        'held against what it finds in their photos.',
        ('photos',), 'eyes', f'{_TINY} --name=NAME'),
    4: Task(
        'Experiment 4: a video, one frame a second, in order',
        'The report trained on frames of an interview, one a second, aligned and in their order, with the parameters '
        'of experiment 1, and showed 64 random samples, to see whether the model fills the gaps between the frames.',
        'The gaps are looked into: frames between those trained on are searched for in the model, by gradient descent '
        'on Z and among random samples. With --with_places each frame has its place in Z and the model starts from the '
        'Universal Face Model, as this project learns a person.',
        ('video',), 'eyes', 'python -m tools.make_records --video=FILE --fps=1 --name=NAME1'),
    5: Task(
        'Experiment 5: a person from the Universal Face Model and from scratch',
        'The report trained on 178 aligned photos of one person for 75 minibatches of 64, once from the model of '
        'experiment 1 as its Universal Face Model (298 s), once from scratch (3 minutes), and showed both at the same '
        '64 points of Z.',
        'Networks and recipe of both runs are those of this project (the preset ufm), because both must have the '
        'networks of its model of many faces. Both are trained on, to see what further training does.',
        ('photos', 'video', 'celeba'), 'eyes', 'python -m tools.make_records --photos=FOLDER --name=NAME', 75),
}
INIT_FROM = 'ufm'  # the model that comes with the project, for 5
MAKE_BETWEEN = 'python -m tools.make_records --video=FILE --fps=10 --name=NAME10'  # the frames between, for 4
