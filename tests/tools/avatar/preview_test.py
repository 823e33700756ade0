"""Tests of the picture that is drawn while a model learns."""

import time

from tools.avatar import preview


def test_the_preview_is_drawn_when_it_is_due_and_told_of_once(tmp_path, caplog):
  drawn = []
  show = preview.Preview(tmp_path / 'preview.png', drawn.append, secs=0.2)
  with caplog.at_level('INFO'):
    show(5)
    assert not drawn
    time.sleep(0.25)
    show(10)
    show(15)  # anew only after a while
    show(20, is_last=True)
  assert drawn == [tmp_path / 'preview.png'] * 2
  message, = caplog.messages
  assert message.startswith(f'Preview: {tmp_path}/preview.png shows') and 'at minibatch 10' in message
