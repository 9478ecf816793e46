.PHONY: help
help:
	@awk 'BEGIN {FS = ":.*## "; printf "Usage: make TARGET\n"} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z][a-z-]*:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
