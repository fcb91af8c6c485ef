# Two commands: `make drive` takes a ride, `make test` proves the lot. Everything lands in .venv; delete it to start afresh.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin

.PHONY: drive test lint benchmark kernels clean

drive: $(VENV)/drive-ready ## take a ride in a town the driver has never seen, and leave a report
	@$(BIN)/xiaolu drive --out runs/drive

test: $(VENV)/dev-ready lint ## proof
	$(BIN)/pytest -n auto

lint: $(VENV)/dev-ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

benchmark: $(VENV)/dev-ready ## speed and memory, as JSON
	$(BIN)/python benchmarks/run.py --out runs/benchmark.json

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"Python {v[0]}.{v[1]} found; Xiaolu needs 3.11 to 3.13: make PYTHON=/path/to/python3.12")'
	@$(PYTHON) -m venv $(VENV) || { echo "python3-venv is missing: on Debian or Ubuntu, apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/drive-ready: pyproject.toml | $(BIN)/python
	@echo "Installing what driving needs (no torch, no SUMO) into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet -e .
	@$(BIN)/xiaolu doctor --fix --brief
	@touch $@

# torch goes first and by exact version: whatever build is named here is the one that training and tests use.
$(VENV)/dev-ready: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet -e ".[dev]"
	$(BIN)/xiaolu doctor --fix --brief
	@touch $@

kernels: ## forget compiled kernels: needed after an edit in a kernel that other files' kernels call
	find src -name '*.nbi' -delete -o -name '*.nbc' -delete

clean:
	rm -rf $(VENV) runs/drive
