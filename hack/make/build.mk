##@ Build

.PHONY: build
build: ## Compile bin/manager, bin/holdfast and its kubectl plugin name bin/kubectl-holdfast
	@mkdir -p bin
	$(GO) build -o bin/ ./cmd/...
	@ln -sf holdfast bin/kubectl-holdfast

.PHONY: clean
clean: ## Remove the built programs (caches outside git stay; `make down` removes the local environment)
	rm -rf bin
