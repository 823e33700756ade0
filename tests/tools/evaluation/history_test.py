"""Tests of what a run wrote: read while it is written, shared charts, verdicts as marks."""

import json

from tools.evaluation import history


def write(folder, stats=(), health=()):
  folder.mkdir(exist_ok=True)
  for name, lines in (('stats.jsonl', stats), ('health.jsonl', health)):
    if lines:
      (folder / name).write_text(''.join(json.dumps(line) + '\n' for line in lines), encoding='utf-8')
  return folder


def test_statistics_are_pairs_of_minibatch_and_value_by_their_tags(tmp_path):
  run = write(tmp_path / '00000-me', [
      {'global_step': 10, 'loss/generator': 2}, {'global_step': 5, 'loss/generator': 3.5},
      {'global_step': 10, 'metric/sliced_wasserstein': 20.0}])
  assert history.statistics(run) == {'loss/generator': [(5, 3.5), (10, 2.0)], 'metric/sliced_wasserstein': [(10, 20.0)]}


def test_a_line_that_is_being_written_is_left_out(tmp_path):
  run = write(tmp_path / '00000-me', [{'global_step': 10, 'loss/generator': 2.0}])
  with open(run / 'stats.jsonl', 'a', encoding='utf-8') as file:
    file.write('{"global_step": 20, "loss/gene')
  assert history.statistics(run) == {'loss/generator': [(10, 2.0)]}


def test_a_run_that_wrote_nothing_has_no_charts(tmp_path):
  run = write(tmp_path / '00000-me')
  assert history.statistics(run) == {} and history.health_verdicts(run) == [] and history.charts([run]) == []


def test_losses_share_a_chart_and_other_tags_have_their_own(tmp_path):
  run = write(tmp_path / '00000-me', [
      {'global_step': step, 'loss/generator': 1.0, 'loss/discriminator': 2.0, 'health/drift': 0.1,
       'time/images_per_sec': 9.0}
      for step in (1, 2)])
  charts = dict(history.charts([run]))
  assert list(charts) == ['Losses', 'health/drift']
  assert '>generator<' in charts['Losses'] and '>discriminator<' in charts['Losses']


def test_verdicts_on_health_are_marked_in_every_chart(tmp_path):
  run = write(tmp_path / '00000-me', [{'global_step': step, 'loss/generator': 1.0, 'health/drift': 1.0}
                                      for step in (100, 200)],
              [{'global_step': 150, 'kind': 'symptom_b', 'sentence': 'Symptom B since step 100.', 'action': 'warn'}])
  assert [line['sentence'] for line in history.health_verdicts(run)] == ['Symptom B since step 100.']
  assert all('>symptom_b<' in chart for _, chart in history.charts([run]))


def test_runs_of_one_name_are_called_by_their_paths():
  assert history.labels(['a/00000-me', 'b/00001-me']) == ['00000-me', '00001-me']
  assert history.labels(['a/00000-me', 'b/00000-me']) == ['a/00000-me', 'b/00000-me']


def test_a_statistic_that_one_of_two_runs_wrote_names_that_run(tmp_path):
  folders = [write(tmp_path / '00000-me', [{'global_step': 1, 'loss/generator': 1.0}]),
             write(tmp_path / '00001-me', [{'global_step': step, 'health/drift': 1.0} for step in (1, 2)])]
  charts = dict(history.charts(folders))
  assert '>00001-me<' in charts['health/drift'] and '>00000-me<' not in charts['health/drift']


def test_runs_share_each_chart_by_their_names(tmp_path):
  folders = [write(tmp_path / name, [{'global_step': step, 'health/drift': 1.0} for step in (1, 2)])
             for name in ('00000-me', '00001-me')]
  (title, chart), = history.charts(folders)
  assert title == 'health/drift' and '>00000-me<' in chart and '>00001-me<' in chart
