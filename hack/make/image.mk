##@ Package

.PHONY: image
image: ## Make the container image for linux/amd64 and linux/arm64 as an OCI layout in bin/image, with bills of materials
	@mkdir -p bin
	@$(TIMED) 'make image' $(GO) -C hack/image run . -source '$(CURDIR)' -o '$(CURDIR)/bin/image'
