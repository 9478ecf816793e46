##@ Package

.PHONY: image
image: ## Make the container image for linux/amd64 and linux/arm64 as an OCI layout in bin/image, with bills of materials
	@mkdir -p bin
	@$(TIMED) 'make image' $(GO) -C hack/image run . -source '$(CURDIR)' -o '$(CURDIR)/bin/image'

.PHONY: push
push: ## Send bin/image with its bills of materials to a registry, and print its digest (REPOSITORY=registry.example/holdfast)
	@: "$${REPOSITORY:?say where to: make push REPOSITORY=registry.example/holdfast}"
	@$(GO) -C hack/image run . -o '$(CURDIR)/bin/image' -push "$$REPOSITORY"

# Images are named by their digest where people install them: what runs is then what was looked at.
.PHONY: bundle
bundle: ## Write the OLM bundle of your image into bin/bundle (IMAGE=registry.example/holdfast@sha256:...)
	@: "$${IMAGE:?say which image: make bundle IMAGE=registry.example/holdfast@sha256:...}"
	@cd hack/tools && $(GO) run ./bundle -image "$$IMAGE" -o '$(CURDIR)/bin/bundle' ../..
