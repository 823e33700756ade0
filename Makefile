# make avatar VIDEO=me.mp4            an animated face of one's own from a video
# make avatar PHOTOS=my_photos        the same from a folder of photos; also SET=anna (its name), MINUTES=20, SIZE=64
# make demo                           the same on what ships with the project, command by command
# make ufm CELEBA=img_align_celeba    another model of many faces to start from, of 128 px; SIZE=64 is the half of it
# make test                           every test
# make                                this list

BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: help avatar demo ufm test clean one-input celeba
help:
	@sed -n 's/^# make/make/p' Makefile

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
define RUN
set -eu
run() {
  echo; echo "$$ python -m $$*"
  made=$$($(BIN)/python -m "$$@") || exit
  echo "$$made"; made=$$(printf '%s\n' "$$made" | tail -n 1)
}
endef

define RUN_AVATAR
set -- $${SET:+--name="$$SET"} $${MINUTES:+--minutes="$$MINUTES"} $${SIZE:+--image_size="$$SIZE"}
if test -n "$${VIDEO-}"; then
  run tools.make_avatar --video="$$VIDEO" "$$@"
else
  run tools.make_avatar --photos="$$PHOTOS" "$$@"
fi
endef

define RUN_DEMO
run tools.make_demo_clip
run tools.make_records --video=$$made --fps=8 --name=demo --overwrite
records=$$made
run dcgan.train --records=$$records --init_from=ufm --num_minibatches=500
run=$$made
run tools.animate --run=$$run --through=5
cat <<END

Look at
  $$records.png   the faces that it learnt from, with their eyes on one line
  $$run/gallery.png   expressions that it made up, each with its number
  $$made   a way through some of them

With a video of your own (half a minute of one person near the camera, with many expressions):
  make avatar VIDEO=me.mp4
END
endef

# What was stopped goes on: the set where it is whole, the training from its last checkpoint.
# Each size takes over the layers of the one before.
define RUN_UFM
size=$${SIZE:-128}; run=
test -f records/celeba.json || run tools.make_records --celeba="$$CELEBA" --name=celeba
for px in 64 128 256; do
  if test $$px -gt $$size; then break; fi
  smaller=$$run
  run=$$(ls -d checkpoints/*-celeba$$px*-ufm$$px 2>/dev/null | tail -n 1)
  if test -z "$$run" || ! test -f "$$run/checkpoint"; then
    run dcgan.train --preset=ufm --records=records/celeba --image_size=$$px --note=ufm$$px \
      $${smaller:+--init_from=$$smaller}
    run=$$made
  elif ! test -f "$$run/ckpt-20000.index"; then
    run dcgan.train --resume=$$run
  fi
done
run tools.export_model --run=$$run --out=$$run/ufm$$size.safetensors
echo
echo "A person starts from it with --init_from=$$made"
endef
export RUN RUN_AVATAR RUN_DEMO RUN_UFM

avatar: one-input $(INSTALLED)
	@sh -c "$$RUN; $$RUN_AVATAR"

one-input:
	@case "$${VIDEO:+video}$${PHOTOS:+photos}" in video|photos) ;; *) \
	  echo 'error: exactly one of VIDEO and PHOTOS is needed, as in make avatar VIDEO=me.mp4.' >&2; exit 1;; esac

demo: $(INSTALLED)
	@sh -c "$$RUN; $$RUN_DEMO"

ufm: celeba $(INSTALLED)
	@sh -c "$$RUN; $$RUN_UFM"

celeba:
	@test -n "$${CELEBA-}" || { echo 'error: CELEBA is needed: the folder or zip of its pictures, as in' \
	  'make ufm CELEBA=img_align_celeba.' >&2; exit 1; }

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist worksteal

clean:
	rm -rf .venv build *.egg-info .pytest_cache
