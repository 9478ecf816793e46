##@ Check

.PHONY: vet
vet: ## Run go vet
	$(GO) vet ./...

.PHONY: lint
lint: ## Run golangci-lint: import arrows, aliases, correctness
	@echo 'golangci-lint run'
	@"$$($(TOOL) golangci-lint)" run

# Verify has three phases. A new generator joins `generate`, a new check that only looks joins the middle, and the
# last one stays last: whatever the first phase changed shows up there as a difference to the commit.
.PHONY: verify
verify: ## Regenerate, format, check, and fail unless the tree is clean afterwards
	@$(TIMED) 'make verify' $(MAKE) generate fmt vet lint verify-tidy verify-clean

.PHONY: verify-tidy
verify-tidy:
	hack/verify/tidy.sh

.PHONY: verify-clean
verify-clean:
	hack/verify/clean.sh
