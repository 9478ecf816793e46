##@ Change the code

.PHONY: generate
generate: generate-code generate-rbac generate-docs generate-chart generate-bundle ## Write everything that comes from markers and data: deepcopy, CRDs, roles, API reference, controls, metrics, flags, chart, bundle

.PHONY: generate-code
generate-code:
	@"$$($(TOOL) controller-gen)" object crd paths=./api/... output:crd:dir=config/crd/bases

# Markers carry three ClusterRoles: those without roleName make holdfast-manager (bound everywhere, or in some namespaces),
# those with roleName=holdfast-cluster what is about no namespace, and those with roleName=holdfast-tenant-namespace the role
# that a RoleBinding grants in one tenant's namespace.
.PHONY: generate-rbac
generate-rbac:
	@"$$($(TOOL) controller-gen)" rbac:roleName=holdfast-manager paths=./controllers/... output:rbac:stdout \
		| hack/make/split-roles.sh config/rbac
	@for role in manager tenant_namespace; do \
		sed 's/^kind: ClusterRole$$/kind: Role/' config/rbac/$${role}_role.yaml > config/namespaced/rights/$${role}_role.yaml; done

.PHONY: generate-docs
generate-docs:
	@mkdir -p docs/api
	@"$$($(TOOL) crd-ref-docs)" --log-level=ERROR --source-path=api/v1alpha1 --config=hack/docs/crd-ref-docs/config.yaml \
		--templates-dir=hack/docs/crd-ref-docs/templates --renderer=markdown --output-path=docs/api/v1alpha1.md
	@$(GO) run ./cmd/holdfast controls -o md > docs/controls.md.new
	@mv docs/controls.md.new docs/controls.md
	@$(GO) run ./hack/docs/metrics docs/metrics.md
	@$(GO) run ./hack/docs/flags docs/flags.md

# These two after the others: they are made of what those write.
.PHONY: generate-chart
generate-chart:
	@cd hack/tools && $(GO) run ./chart ../..

.PHONY: generate-bundle
generate-bundle:
	@cd hack/tools && $(GO) run ./bundle ../..

.PHONY: fmt
fmt: ## Format the Go code and order its imports
	@"$$($(TOOL) golangci-lint)" fmt

.PHONY: tidy
tidy: ## Run go mod tidy in every module
	@hack/verify/tidy.sh -w
