# make demo    the whole way on what ships with the project: a clip, records, training, a gallery and an animated GIF
# make test    every test
# make         this list

BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: help demo test clean
help:
	@sed -n 's/^# //p' Makefile

# Installs once, and again only when the requirements change.
$(INSTALLED): setup.py setup.cfg
	@set -eu; \
	if command -v uv >/dev/null; then \
	  test -f $@ || uv venv --quiet --clear --seed --python '>=3.10,<3.12' .venv; \
	  echo 'Installing into .venv with uv ...' >&2; \
	  uv pip install --quiet --python $(BIN)/python -e '.[demo,test]'; \
	else \
	  for python in python3.11 python3.10 python3 python ''; do \
	    if test -z "$$python" && $$(command -v python3.11 || command -v python3.10 || command -v python3) -c \
	      'import sys; sys.exit(sys.version_info[:2] not in ((3, 10), (3, 11)))' 2>/dev/null; then \
	      echo 'error: Python is here, but without its venv module. Install that (Debian, Ubuntu: apt install' \
	        'python3-venv), or uv (https://docs.astral.sh/uv).' >&2; \
	      exit 1; \
	    elif test -z "$$python"; then \
	      echo "error: no Python 3.10 or 3.11 on this machine ($$(python3 --version 2>/dev/null || echo no python3))," \
	        'and TensorFlow 2.15 runs on no other. Install one (Debian, Ubuntu: apt install python3.11-venv;' \
	        'macOS: brew install python@3.11), or uv (https://docs.astral.sh/uv), which brings its own.' >&2; \
	      exit 1; \
	    fi; \
	    if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] not in ((3, 10), (3, 11)))' \
	      2>/dev/null; then break; fi; \
	  done; \
	  test -f $@ || $$python -m venv --clear .venv; \
	  echo "Installing into .venv with $$python (about 3 GB; one to three minutes) ..." >&2; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo,test]'; \
	fi; \
	touch $@

# Shows each command as one would type it, runs it, and keeps the last line that it prints: the path of what it made.
define RUN_DEMO
set -eu
run() {
  echo; echo "$$ python -m $$*"
  made=$$($(BIN)/python -m "$$@") || exit
  echo "$$made"; made=$$(printf '%s\n' "$$made" | tail -n 1)
}
run tools.make_demo_clip
run tools.make_records --video=$$made --fps=12 --name=demo --overwrite
records=$$made
run dcgan.train --records=$$records $(DEMO_FLAGS)
run=$$made
run tools.animate --run=$$run --keyframes=$(DEMO_KEYFRAMES)
cat <<END

Look at
  $$records.png   the faces that it learnt from, with their eyes on one line
  $$run/gallery.png   expressions that it made up, each with its number
  $$made   a line through some of them

With a video of your own (half a minute of one person near the camera, with many expressions):
  . .venv/bin/activate
  python -m tools.make_records --video=me.mp4 --fps=3
  python -m dcgan.train --records=records/me
  python -m tools.animate --run=checkpoints/NNNNN-me64 --source=3 --target=17
END
endef
export RUN_DEMO

DEMO_FLAGS := --channels=32 --num_minibatches=1500 --holdout_fraction=0
DEMO_KEYFRAMES := 53,21,29

demo: $(INSTALLED)
	@sh -c "$$RUN_DEMO"

test: $(INSTALLED)
	$(BIN)/python -m pytest

clean:
	rm -rf .venv build *.egg-info .pytest_cache
