"""Tests of every command's manners: help at once, quiet start, one-line errors, exit codes."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

from dcgan.common import entry
from dcgan.options import config
from tests import commands
from tests.dcgan import conftest

ROOT = pathlib.Path(__file__).parents[1]
ENTRIES = sorted('.'.join(path.relative_to(ROOT).with_suffix('').parts) for folder in ('dcgan', 'tools')
                 for path in (ROOT / folder).rglob('*.py')
                 if "if __name__ == '__main__':" in path.read_text(encoding='utf-8'))


def test_all_commands_are_known():
  assert ENTRIES == ['dcgan.train', 'tools.animate', 'tools.benchmark', 'tools.drive', 'tools.evaluate',
                     'tools.export_model', 'tools.find_expression', 'tools.fit_controls', 'tools.make_avatar',
                     'tools.make_demo_clip', 'tools.make_gallery', 'tools.make_records', 'tools.pose', 'tools.reproduce',
                     'tools.show_records', 'tools.speak', 'tools.train_speech']


@pytest.mark.parametrize('module', ENTRIES)
def test_help_shows_an_example_and_loads_nothing_slow(module):
  program = (f"import runpy, sys; sys.argv = ['x', '--help']\ntry: runpy.run_module({module!r}, run_name='__main__', "
             "alter_sys=True)\nexcept SystemExit: print('loaded:', *sys.modules)")
  made = subprocess.run([sys.executable, '-c', program], cwd=ROOT, capture_output=True, text=True, check=True)
  text, loaded = made.stdout.split('loaded:')
  assert f'python -m {module}' in text and made.stderr == ''
  assert not {'tensorflow', 'mediapipe', 'cv2', 'jax', 'imageio', 'av', 'PIL', 'scipy', 'skimage'} & set(loaded.split())


@pytest.mark.parametrize('module, arguments, message', [
    ('dcgan.train', [], '--records is needed'),
    ('dcgan.train', ['--records=a', '--image_size=50'], 'error: `image_size` (50) must be a power of two'),
    ('dcgan.train', ['--recrods=a'], "Unknown command line flag 'recrods'"),
    ('dcgan.train', ['records/a'], "Unexpected argument 'records/a'"),
    ('dcgan.train', ['--resume=a', '--seed=3'], '--seed (3) cannot change with --resume'),
    ('dcgan.train', ['--resume=a', '--beta1=0.9'], '--beta1 (0.9) cannot change with --resume'),
    ('dcgan.train', ['--resume=a', '--preset=report'], '--preset (report) cannot change with --resume'),
    ('dcgan.train', ['--records=a', '--learner=both'], 'error: `learner` (both) must be one of adversarial,'),
    ('dcgan.train', ['--resume=a', '--holdout_fraction=0.2'], '--holdout_fraction (0.2) cannot change with --resume'),
    ('dcgan.train', ['--records=a', '--holdout_fraction=1'], 'error: `holdout_fraction` (1.0) must be 0 or more and'),
    ('dcgan.train', ['--records=a', '--on_collapse=pray'], 'error: `on_collapse` (pray) must be one of warn, stop,'),
    ('dcgan.train', ['--records=a', '--stop_when=best'], 'error: `stop_when` (best) must be end, or best+N'),
    ('dcgan.train', ['--records=a', '--stop_when=best+500', '--best_by=none'],
     'error: `stop_when` (best+500) needs a measure of the best, but `best_by` is none'),
    ('dcgan.train', ['--records=a', '--init_from=ufm', '--transfer=half'], 'error: `transfer` (half) must be one of'),
    ('dcgan.train', ['--resume=a', '--transfer=full'], '--transfer (full) cannot change with --resume'),
    ('dcgan.train', ['--resume=tests/a', '--checkpoints_dir=other'],
     f'--checkpoints_dir (other) must be the folder that the run lies in, {ROOT / "tests"}: with --resume it goes on'),
    ('dcgan.train', ['--resume=tests/nowhere', '--checkpoints_dir=tests/'], 'tests/nowhere: not a run'),
    ('tools.export_model', [], '--run is needed'),
    ('tools.export_model', ['--run=a', '--checkpoint=last'], 'error: `checkpoint` (last) must be evaluated, best,'),
    ('tools.export_model', ['--run=nowhere'], 'nowhere: not a run'),
    ('dcgan.train', ['--resume=nowhere', '--on_collapse=stop', '--health_every_steps=10', '--max_rollbacks=1',
                     '--stop_when=best+9'], 'nowhere: not a run'),  # these may change
    ('dcgan.train', ['--records=a', '--preset=best'], '--preset=best'),
    ('dcgan.train', ['--records=a', '--strategy=all'], '--strategy=all'),
    ('dcgan.train', ['--records=a', '--augment=flip,blur'], 'error: `augment` (blur) must be one of colour,'),
    ('dcgan.train', ['--records=a', '--augment_probability=2'], 'error: `augment_probability` (2.0) must lie between'),
    ('dcgan.train', ['--records=a', '--preset=report', '--keep_every_steps=600'],
     'error: `keep_every_steps` (600) must be a multiple of `checkpoint_every_steps` (250). Use 500.'),
    ('dcgan.train', ['--records=none', '--keep_every_steps=750'], 'none.json: no manifest'),  # good for small sets
    ('dcgan.train', ['--records=a', '--note=a/b'],
     "error: `note` ('a/b') must be a name without a slash. Use --note=me"),
    ('dcgan.train', ['--records=a', f'--note={41 * "n"}'], 'must be at most 40 bytes, but has 41'),
    ('tools.make_records', ['--photos=b', f'--name={73 * "漢"}'], 'must be at most 120 bytes, but has 219'),
    ('tools.make_avatar', ['--photos=b', f'--name={245 * "a"}'], 'must be at most 120 bytes, but has 245'),
    ('dcgan.train', ['--records=a', '--holdout_fraction=1'], 'error: `holdout_fraction` (1.0) must be 0 or more and'),
    ('dcgan.train', ['--records=a', '--on_collapse=panic'], 'error: `on_collapse` (panic) must be one of warn, stop'),
    ('dcgan.train', ['--records=a', '--stop_when=best'], 'error: `stop_when` (best) must be end, or best+N'),
    ('tools.evaluate', [], '--run is needed'),
    ('tools.evaluate', ['--run=a', '--num_samples=0'], '--num_samples=0'),
    ('tools.make_gallery', [], '--run is needed'),
    ('tools.drive', ['--video=a.mp4'], '--run is needed'),
    ('tools.drive', ['--run=a'], '--video is needed'),
    ('tools.drive', ['--run=a', '--video=a.mp4', '--only=nose'], 'error: `only` (nose) must be one of head, face, eyes,'),
    ('tools.drive', ['--run=a', '--video=a.mp4', '--strength=4'], 'error: `strength` (4) must be from 0 to 3'),
    ('tools.drive', ['--run=a', '--video=a.mp4', '--with=magic'], 'error: `with` (magic) must be one of controls,'),
    ('tools.drive', ['--run=a', '--video=a.mp4', '--out=a.gif'], "a.gif` ends in '.gif', but a film with sound must end"),
    ('tools.drive', ['--run=a', '--video=a.mp4', '--controls_out=a.txt'],
     'error: `controls_out` (a.txt) must end in .csv'),
    ('tools.drive', ['--run=nowhere', '--video=a.mp4'], 'nowhere: not a run'),
    ('tools.pose', ['jawOpen=0.7'], '--run is needed'),
    ('tools.pose', ['--run=a'], 'a control and its value are needed, as in jawOpen=0.7'),
    ('tools.pose', ['--run=a', 'smile=1'], '`smile` is no control'),
    ('tools.pose', ['--run=a', 'jawOpen=1.5'], 'jawOpen=1.5: must be a control and a value from 0 to 1, as in jawOpen=0.5'),
    ('tools.pose', ['--run=a', 'headYaw=nan'], 'headYaw=nan: must be a control and a value from -180 to 180'),
    ('tools.pose', ['--run=nowhere', 'jawOpen=1'], 'nowhere: not a run'),
    ('tools.pose', ['--run=a', '--card', 'jawOpen=1'], 'jawOpen=1 is of no use with --card'),
    ('tools.fit_controls', [], '--run is needed'),
    ('tools.fit_controls', ['--run=nowhere'], 'error: nowhere: not a run'),
    ('tools.animate', ['--run=a', '--keyframes=0s neutral, 1s jawOpn=1'], '`jawOpn` is no control. Did you mean'),
    ('tools.animate', ['--run=a', '--keyframes=0s neutral, 1s jawOpen=1.5'], '`jawOpen` (1.5) must be within 0 and 1'),
    ('tools.animate', ['--run=a', '--keyframes=1s neutral, 0s jawOpen=1'], 'must be after the one before (1 s)'),
    ('tools.animate', ['--run=a', '--controls=a.csv', '--source=1'], '--source is of no use with controls'),
    ('tools.animate', ['--run=a', '--controls=a.csv', '--keyframes=1,2'], '--controls takes the place of --keyframes'),
    ('tools.animate', ['--run=a', '--controls=a.csv', '--fps=60'], 'error: `fps` (60) must be at most 50 in a GIF'),
    ('tools.animate', ['--run=a', '--controls=a.aac'], 'error: a.aac: must end with .csv, .jsonl, .txt'),
    ('tools.animate', ['--run=a', '--controls=absent.csv'], 'error: absent.csv: cannot be read'),
    ('tools.speak', [], '--run is needed'),
    ('tools.speak', ['--run=a'], '--audio is needed'),
    ('tools.speak', ['--run=a', '--audio=b.wav', '--fps=0'], 'error: `fps` (0) must be 1 or more and at most 120. Use 25'),
    ('tools.speak', ['--run=a', '--audio=b.wav', '--fps=nan'], 'error: `fps` (nan) must be 1 or more'),
    ('tools.speak', ['--run=a', '--audio=b.wav', '--seed=-1'], 'error: `seed` (-1) must be 0 or more'),
    ('tools.speak', ['--run=a', '--audio=b.wav', '--out=b.gif'], 'error: `out` (b.gif) must end in .mp4. Use b.mp4'),
    ('tools.speak', ['--run=a', '--audio=b.wav', '--controls_out=b.txt'], '`controls_out` (b.txt) must end in .csv'),
    ('tools.speak', ['--run=nowhere', '--audio=b.wav'], 'nowhere: not a run'),
    ('tools.train_speech', [], '--video is needed'),
    ('tools.train_speech', ['--video=a', '--num_steps=0'], '--num_steps=0'),
    ('tools.train_speech', ['--video=a', '--out=b.h5'], 'error: `out` (b.h5) must end in .safetensors'),
    ('tools.train_speech', ['--video=nowhere.mp4'], '`nowhere.mp4` must be a recording or a film with sound, but there is'),
    ('tools.make_gallery', ['--run=a', '--num_images=0'], '--num_images=0'),
    ('tools.make_gallery', ['--run=a', '--seed=-1'], '--seed=-1'),
    ('tools.animate', ['--run=a', '--source=1', '--target=2', '--num_parts=0'], '--num_parts=0'),
    ('tools.animate', ['--run=a', '--source=1', '--target=2', '--duration_secs=nan'],
     'error: `duration_secs` (nan) must be over 0 and at most 3600'),
    ('tools.animate', ['--run=a', '--source=1', '--target=2', '--duration_secs=0.3'],
     'error: `num_parts` (20) in `duration_secs` (0.3) are 66.7 pictures a second, but a GIF holds at most 50'),
    ('tools.animate', ['--timelapse'], '--run is needed'),
    ('tools.animate', ['--run=a', '--timelapse', '--source=1'], '--source is of no use with --timelapse'),
    ('tools.animate', ['--run=a', '--timelapse', '--target=1'], '--target is of no use with --timelapse'),
    ('tools.animate', ['--run=a', '--timelapse', '--keyframes=1,2'], '--keyframes is of no use with --timelapse'),
    ('tools.animate', ['--run=a', '--timelapse', '--num_parts=20'], '--num_parts is of no use with --timelapse'),
    ('tools.animate', ['--run=a', '--timelapse', '--nothere_and_back'], '--there_and_back is of no use with --timelapse'),
    ('tools.animate', ['--run=a', '--timelapse', '--duration_secs=0'],
     'error: `duration_secs` (0.0) must be over 0 and at most 3600. Use 8.'),
    ('tools.animate', ['--run=nowhere', '--timelapse'], 'error: nowhere: not a run'),
    ('tools.benchmark', ['lunch'], "Unknown subject 'lunch': choose one of train"),
    ('tools.benchmark', [], '1 argument is needed, 0 given'),
    ('tools.make_records', [], '--video'),
    ('tools.make_records', [], 'No input given, but exactly one of --video, --photos and --celeba must be'),
    ('tools.make_records', ['--video=a.mp4', '--photos=b'], '--video and --photos given, but exactly one of'),
    ('tools.make_records', ['--photos=b', '--fps=3'], '--fps is of use with --video only, not with --photos. Leave it'),
    ('tools.make_records', ['--video=b', '--partition=train'], '--partition is of use with --celeba only'),
    ('tools.make_records', ['--photos=b', '--runner=beam', "--beam_options='a"], "--beam_options ('a) must be words"),
    ('tools.make_records', ['--photos=b', '--background=pink'], '--background=pink'),
    ('tools.make_records', ['--photos=b', '--max_yaw_deg=0'], 'error: `max_yaw_deg` (0.0) must be over 0'),
    ('tools.make_records', ['--photos=b', '--person=me'], 'error: `person` (me) must be largest, central or'),
    ('tools.show_records', [], '--records is needed: the set that tools.make_records printed, as in '
     '--records=records/me.'),
    ('tools.show_records', ['--records=records/me', '--out=a.pdf'],
     "error: `out` ('a.pdf') must end in .png, .jpg or .webp. Use --out="),
])
def test_wrong_flags_end_with_the_reason_and_exit_code_1(module, arguments, message):
  made = commands.run(module, *arguments)
  assert made.returncode == 1 and message in made.stderr + made.stdout and 'Traceback' not in made.stderr


def test_what_the_help_names_may_be_given_with_resume_and_nothing_else_may():
  text = ' '.join(commands.run('dcgan.train', '--help').stdout.split())
  told = text.split('may be given with it: ')[1].partition(';')[0]
  names = [name.removeprefix('--') for name in told.split(', ')]
  assert names == [*config.FREE_ON_RESUME, 'strategy', 'storage']
  values = {'strategy': 'one', 'storage': 'memory', 'records': 'records/a', 'stop_when': 'best+9'}
  given = [f'--{name}={values.get(name) or config.OPTIONS[name].default}' for name in names]
  made = commands.run('dcgan.train', '--resume=nowhere', *given)
  assert made.returncode == 1 and 'nowhere: not a run' in made.stderr
  refused = commands.run('dcgan.train', '--resume=nowhere', *given, '--beta2=0.9')
  assert '--beta2 (0.9) cannot change with --resume' in refused.stdout + refused.stderr
  assert f'What may change: {told}.' in refused.stdout + refused.stderr


@pytest.mark.slow
@pytest.mark.parametrize('module, arguments, message', [
    ('dcgan.train', ['--records=nowhere/a'], 'nowhere/a.json: no manifest, so `nowhere/a` is not a set'),
    ('dcgan.train', ['--resume=nowhere'], 'nowhere: not a run'),
    ('tools.make_records', ['--photos=nowhere', '--records_dir=setup.py'], '`records_dir` (setup.py) must be a folder'),
    ('tools.make_records', ['--video=tests'], '`tests` must be a video file, but is a folder'),
    ('tools.make_records', ['--photos=nowhere'], '`nowhere` must be a folder of pictures, but there is no such folder'),
    ('tools.evaluate', ['--run=nowhere'], 'nowhere: not a run'),
    ('tools.make_gallery', ['--run=nowhere'], 'nowhere: not a run'),
    ('tools.animate', ['--run=nowhere', '--source=1', '--target=2'], 'nowhere: not a run'),
    ('tools.show_records', ['--records=nowhere/a'], 'nowhere/a.json: no manifest'),
])
def test_missing_input_is_one_line_without_noise(module, arguments, message):
  made = commands.run(module, *arguments)
  assert made.returncode == 1 and made.stdout == ''
  assert made.stderr.startswith('error: ') and message in made.stderr
  assert len(made.stderr.strip().splitlines()) == 1


def test_onednn_is_on_where_tensorflow_would_leave_it_off_and_the_user_decides(monkeypatch):
  for given, taken in ((None, '1'), ('0', '0')):
    monkeypatch.delenv('TF_ENABLE_ONEDNN_OPTS')
    if given:
      monkeypatch.setenv('TF_ENABLE_ONEDNN_OPTS', given)
    entry.prepare_libraries()
    assert os.environ['TF_ENABLE_ONEDNN_OPTS'] == taken


@pytest.mark.slow
def test_libraries_start_without_a_word():
  made = subprocess.run(
      [sys.executable, '-c',
       'from dcgan.common import entry; entry.prepare_libraries(); import tensorflow, tensorflow_addons'],
      cwd=ROOT, capture_output=True, text=True, check=True)
  assert made.stdout == '' and made.stderr == ''


@pytest.mark.slow
def test_training_from_the_command_line_is_interrupted_and_resumed(tmp_path):
  conftest.make_set(tmp_path / 'drawn', 5)
  flags = [f'--records={tmp_path / "drawn"}', f'--checkpoints_dir={tmp_path / "runs"}', '--image_size=8',
           '--channels=4', '--global_batch_size=4', '--log_every_steps=1', '--precision=float32']
  process = commands.start('dcgan.train', *flags, '--num_minibatches=100000')
  run = tmp_path / 'runs' / '00000-drawn8'
  commands.wait_for((run / 'stats.jsonl').is_file, process)
  process.send_signal(signal.SIGINT)
  stdout, stderr = process.communicate(timeout=60)
  assert process.returncode == 130 and stdout.splitlines()[-1] == str(run), stderr
  assert f'Go on with: python -m dcgan.train --resume={run}' in stderr and 'Traceback' not in stderr
  step = int((run / 'checkpoint').read_text(encoding='utf-8').split('ckpt-')[1].split('"')[0])
  made = commands.run('dcgan.train', f'--resume={run}', f'--num_minibatches={step + 2}')
  assert made.returncode == 0 and made.stdout.splitlines()[-1] == str(run), made.stderr
  repeated = commands.run('dcgan.train', f'--flagfile={run / "flags.txt"}', '--num_minibatches=1')
  assert repeated.returncode == 0 and repeated.stdout.splitlines()[-1].endswith('00001-drawn8'), repeated.stderr
