//go:build tools

// Package tools names the programs of the checks and of a release, so that their
// versions are in a separate go.mod, where updates reach them and nothing of
// them gets into the action. .ci/tool runs them.
package tools

import (
	_ "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod"
	_ "github.com/google/go-containerregistry/cmd/crane"
	_ "github.com/nektos/act"
	_ "github.com/rhysd/actionlint/cmd/actionlint"
	_ "golang.org/x/vuln/cmd/govulncheck"
	_ "honnef.co/go/tools/cmd/staticcheck"
)
