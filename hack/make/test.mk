##@ Test

# Packages start real servers; more than two at once starve each other on a small machine. Vet is a part of
# `make verify`, what a debugger would need is not linked, and what one clone compiled serves the next one. Tests mostly
# wait, so that four of a package go together.
TEST_FLAGS ?= -p 2 -parallel 4 -vet=off -trimpath -ldflags=-w -timeout 25m

.PHONY: test
test: prerequisites ## Run every test of every module (TEST_FLAGS='-p 2 -timeout 25m')
	@$(TIMED) 'make test' hack/make/test.sh $(TEST_FLAGS)

# CRASH narrows the campaigns to so many points, or to the writes that have a text in their name.
CRASH ?= all

.PHONY: crash
crash: prerequisites ## Kill the operator at every write of a first reconcile and of a rotation, in every manner (CRASH=40 or CRASH=acme-tls for some)
	@HOLDFAST_CRASH_POINTS='$(CRASH)' $(TIMED) 'make crash' $(GO) test -p 1 -count=1 -v -timeout 240m -run '^(TestACrashAtAnyWrite|TestRotationKilledAtEveryWrite|TestADatabaseAccountSurvivesEveryKill)' ./controllers/keystore ./test/functional

# BENCH narrows the run to one package, ONLY to the benchmarks of a name.
BENCH ?= ./...
ONLY ?= .

.PHONY: bench
bench: prerequisites ## Run the benchmarks and print their tables (BENCH=./some/package, ONLY=Name)
	@$(TIMED) 'make bench' $(GO) test -p 1 -run '^$$' -bench '$(ONLY)' -benchtime 1x -timeout 60m $(BENCH)
