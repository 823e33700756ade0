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
	    if test -z "$$python"; then \
	      echo "error: no Python 3.10 or 3.11 on this machine ($$(python3 --version 2>&1 || echo 'no python3'))," \
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

test: $(INSTALLED)
	$(BIN)/python -m pytest

clean:
	rm -rf .venv build *.egg-info .pytest_cache
