##@ Run it here

# keycloak runs the real server on a real PostgreSQL, wso2is a stand-in.
PRODUCT ?= keycloak

.PHONY: demo
demo: prerequisites ## Turn one manifest into a running tenant, and ask its server (PRODUCT=wso2is for the stand-in, KEEP=1 leaves it running)
	@$(TIMED) 'make demo' $(GO) run ./hack/demo -product '$(PRODUCT)' $(if $(filter-out 0,$(KEEP)),-keep)

.PHONY: up
up: prerequisites ## Start the local environment: Kubernetes, Vault, cert-manager (no root, no Docker)
	@$(TIMED) 'make up' $(GO) run ./hack/local up

.PHONY: status
status: ## Show what of the local environment is running
	@$(GO) run ./hack/local status

.PHONY: down
down: ## Stop the local environment and remove its state
	@$(GO) run ./hack/local down

.PHONY: prerequisites
prerequisites:
	@hack/make/prerequisites.sh
