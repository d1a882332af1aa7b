// Package version says which version of the program this is.
package version

import (
	"cmp"
	"runtime/debug"
)

// Repository is where the action is published on GitHub. To change the account, here
// and in every page, run .ci/release owner.
const Repository = "OWNER/pipecat-cloud-deploy"

// version and commit are set by the linker: see .ci/build. Without them, a program
// that is built in a clone still knows its commit.
var version, commit = "dev", ""

// Name is the version and the commit of this program, such as
// "v1.2.3 (0123456789ab)".
func Name() string {
	from := commit
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				from = cmp.Or(from, s.Value)
			}
		}
	}
	if from == "" {
		return version
	}
	return version + " (" + from[:min(12, len(from))] + ")"
}
