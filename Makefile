# Everything runs in .venv, which each target creates, or updates after a change of its inputs.

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
# Where torch comes from, e.g. TORCH_INDEX=https://download.pytorch.org/whl/cpu where no GPU is.
TORCH_INDEX ?=
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet --no-compile
INPUTS := pyproject.toml constraints.txt platform/_startup/build_hook.py platform/_startup/finder.py
RUNTIME := $(VENV)/.runtime-is-up-to-date
DEVELOPMENT := $(VENV)/.development-is-up-to-date

export PYTHONUNBUFFERED := 1
export RAY_USAGE_STATS_ENABLED := 0

.DEFAULT_GOAL := help
.PHONY: help setup search test cluster-test check format docs

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(DEVELOPMENT) ## create or update .venv with everything, tools for development included

search: $(RUNTIME) ## search hyper-parameters; options go in ARGS="..."
	@echo "== search: python -m platform.search $(ARGS)"
	@$(BIN)/python -m platform.search $(ARGS)

# In two processes: what starts Ray in one of them, the rest in the other (tests/conftest.py).
test: $(DEVELOPMENT) ## run every test, the slow ones too; options go in ARGS="..."
	@echo "== test: every test"
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

# Needs root, iproute2, openssh-server and rsync; skipped, with the reason, where they are missing.
cluster-test: $(DEVELOPMENT) ## ray up, searches and faults on several machines, made ones: as root
	@echo "== cluster-test: ray up, searches and faults on made machines"
	@$(BIN)/python -m pytest -m cluster -rs $(ARGS)

check: $(DEVELOPMENT) ## check format, lint and types
	@echo "== check: format, lint and types"
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/basedpyright

format: $(DEVELOPMENT) ## rewrite the code in the one format, and mend what lint can mend
	@echo "== format"
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

docs: $(RUNTIME) ## write the reference pages of docs from the code
	@$(BIN)/python -m docs.reference

# A recent pip first: it resolves and installs in a third of the time of the one that Python 3.11
# brings. Then torch alone: the resolver then has one candidate for what most of the others need.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "this needs Python 3.11 or newer, and $(PYTHON) is %d.%d; name another: make PYTHON=/path/to/python3.11" % sys.version_info[:2])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) -c constraints.txt pip
	@$(PIP) -c constraints.txt $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch torchvision
	@$(PIP) -c constraints.txt -e '$(1)'
	@printf '%s\n' $(LIBRARIES) | xargs -P 2 -I{} env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -c 'import {}'
endef

# pip would compile 18000 files to byte code, on one core; importing compiles the 4500 that are
# used, and shows that the installation works.
LIBRARIES := torch.utils.tensorboard,timm ray.tune,ray.train.torch,ray.dashboard.dashboard,optuna

$(RUNTIME): $(INPUTS)
	@echo "== setup: what the commands need, into $(VENV) (minutes the first time)"
	$(call install,.)
	@touch $@

# Not on top of $(RUNTIME), since resolving 120 packages twice takes longer.
$(DEVELOPMENT): $(INPUTS)
	@echo "== setup: what the commands and the development need, into $(VENV) (minutes the first time)"
	$(call install,.[dev])
	@touch $(RUNTIME) $@
