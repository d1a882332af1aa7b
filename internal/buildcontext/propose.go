package buildcontext

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"

	"pipecat-cloud-deploy/internal/dockerfile"
)

// proposal says which inputs have the one Dockerfile of a context found. Both ways
// are named, for what it copies decides which is right.
func proposal(root *os.Root, o Options, file string) string {
	dir, base := path.Split(file)
	here := "dockerfile: " + yaml(file)
	if dir == "" {
		return "set " + here
	}
	in := path.Join(filepath.ToSlash(cmp.Or(o.Input, o.Dir)), dir)
	there := "build-context: " + yaml(in)
	if base != cmp.Or(o.Dockerfile, "Dockerfile") {
		there += " and dockerfile: " + yaml(base)
	}
	sources := readSources(root, file)
	switch beside, around := haveAll(root, dir, sources), haveAll(root, ".", sources); {
	case beside && !around:
		return fmt.Sprintf("set %s, for what it copies is in that folder (with %s alone it would not be found)", there, here)
	case around && !beside:
		return fmt.Sprintf("set %s, for what it copies is beside that folder (with %s it would not be found)", here, there)
	}
	return fmt.Sprintf("set %s if what it copies is in that folder, or else %s", there, here)
}

// haveAll reports whether a folder has all that is copied by its name.
func haveAll(root *os.Root, dir string, sources []dockerfile.Source) bool {
	for _, s := range sources {
		if s.Path == "" || s.Pattern {
			continue
		}
		if _, err := root.Stat(path.Join(dir, s.Path)); err != nil {
			return false
		}
	}
	return true
}

var unquoted = regexp.MustCompile(`^[\w.][\w./-]*$`)

// yaml is a value as a workflow has it.
func yaml(s string) string {
	if unquoted.MatchString(s) {
		return s
	}
	return fmt.Sprintf("%q", s)
}
