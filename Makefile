PYTHON ?= python3

.PHONY: setup demo serve test lint bench lock clean

setup demo serve test lint bench lock clean:
	@$(PYTHON) scripts/dev.py $@ $(ARGS)
