package buildcontext

import (
	"context"
	"errors"
	"path"
	"path/filepath"
	"strings"

	"pipecat-cloud-deploy/internal/dockerfile"
)

// Explain says why a path that a build did not find is not in the archive that Pack
// makes of a context. It reports false where the path is there, or where that cannot
// be known.
func Explain(o Options, name string) (Missing, bool) {
	name = path.Clean(strings.TrimPrefix(name, "/"))
	if name == "." || !filepath.IsLocal(name) || strings.ContainsAny(name, "*?[\\") {
		return Missing{}, false
	}
	root, err := openContext(o)
	if err != nil {
		return Missing{}, false
	}
	defer root.Close()
	docker, kept, err := findDockerfile(root, o)
	rules, badRules := newRules(root, docker, kept, o.Exclude)
	if errors.Join(err, badRules) != nil {
		return Missing{}, false
	}
	found, err := walk(context.Background(), root, rules, openFile)
	if err != nil {
		return Missing{}, false
	}
	l := lookup{root: root, found: found, rules: rules, o: o, dir: inWorkspace(o), docker: docker}
	missing := l.inspect([]dockerfile.Source{{Instruction: "COPY", Written: name, Path: name}}, nil)
	if len(missing) == 0 {
		return Missing{}, false
	}
	return missing[0], true
}
