# Names for what the scripts in .ci and the tests do. None of them builds a file.
.PHONY: all check test race search golden demo bench oracle graph

check: # what every change must pass
	.ci/run

all: # every check that CI has
	.ci/all

test:
	go test ./...

race:
	go test -race -shuffle=on ./...

search: # a hundred thousand runs, in some minutes
	go test -run 'Search$$' . -v -timeout 60m -args -runs 100000

golden: # write what the tests compare with; look at the difference before a commit
	go test . ./internal/repo ./internal/diagnosis -args -update

demo:
	go run ./cmd/demo

bench: # the build against daily-co's action, and a run that refuses its inputs
	.ci/bench
	go test -run '^$$' -bench . -benchtime 20x .

oracle: # hold the program to the platform's own CLI
	.ci/oracle

graph: # which package of the module imports which
	@go list -f '{{.ImportPath}} ->{{range .Imports}} {{.}}{{end}}' ./... | awk -v module="$$(go list -m)" '{ line = $$1 " ->"; for (i = 3; i <= NF; i++) if (index($$i, module "/") == 1) line = line " " $$i; gsub(module "/", "", line); print line }'
