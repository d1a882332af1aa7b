package buildcontext

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Absence is why a path that a Dockerfile names is not in the archive of a context.
type Absence struct {
	Why  Why
	File string // the ignore file with the pattern, or the input's name; only of Ignored
	Near string // the path that is there, and differs in letter case alone; only of Missing; may be ""
}

// Why is the kind of an Absence.
type Why int

// Why a path is absent.
const (
	NotKnown Why = iota // it is there, or cannot be told
	Missing             // the context has no such path
	Ignored             // a pattern of the user's leaves it out
	Unneeded            // the platform's own list does, which counts where there is no ignore file
	Secret              // it may be a secret
	Linked              // it is a symbolic link, or beyond one
)

// Explain says why a path is not in the archive that Pack makes.
func Explain(o Options, name string) Absence {
	name = path.Clean(strings.TrimPrefix(name, "/"))
	if name == "." || !filepath.IsLocal(name) || strings.ContainsAny(name, "*?[\\") {
		return Absence{}
	}
	root, err := openContext(o)
	if err != nil {
		return Absence{}
	}
	defer root.Close()
	if a, ok := onDisk(root, name); ok {
		return a
	}
	dockerfile, kept, err := findDockerfile(root, o.Dockerfile)
	if err != nil {
		return Absence{}
	}
	own, err := verdictOf(root, dockerfile, kept, o.Exclude, name)
	switch {
	case err != nil, !own.out && !own.secret:
		return Absence{}
	case !own.out:
		return Absence{Why: Secret}
	}
	r, err := newRules(root, dockerfile, kept, nil)
	if err != nil {
		return Absence{}
	}
	switch before, err := r.decidePath(name); {
	case err != nil:
		return Absence{}
	case !before.out:
		return Absence{Why: Ignored, File: inputExclude}
	case before.secret:
		return Absence{Why: Secret}
	case r.file == "":
		return Absence{Why: Unneeded}
	}
	return Absence{Why: Ignored, File: r.file}
}

func verdictOf(root *os.Root, dockerfile string, kept, exclude []string, name string) (decision, error) {
	r, err := newRules(root, dockerfile, kept, exclude)
	if err != nil {
		return decision{}, err
	}
	return r.decidePath(name)
}

// decidePath is decide for a path with all folders above it.
func (r *rules) decidePath(name string) (d decision, err error) {
	parts := strings.Split(name, "/")
	for i := range parts {
		if d, err = r.decide(strings.Join(parts[:i+1], "/"), d); err != nil {
			return d, err
		}
	}
	return d, nil
}

// onDisk looks for a path in the context's folder; ok says that this explains why it
// is absent.
func onDisk(root *os.Root, name string) (a Absence, ok bool) {
	at := "."
	for part := range strings.SplitSeq(name, "/") {
		next := path.Join(at, part)
		info, err := root.Lstat(next)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return Absence{Why: Missing, Near: near(root, at, name)}, true
		case err != nil:
			return Absence{}, true
		case info.Mode()&fs.ModeSymlink != 0:
			return Absence{Why: Linked}, true
		}
		at = next
	}
	return Absence{}, false
}

// near is a path that is there, and that differs from a name in letter case alone.
func near(root *os.Root, from, name string) string {
	at := from
	for part := range strings.SplitSeq(strings.TrimPrefix(strings.TrimPrefix(name, from), "/"), "/") {
		found := ""
		entries, _ := fs.ReadDir(root.FS(), at)
		for _, e := range entries {
			if strings.EqualFold(e.Name(), part) {
				found = e.Name()
			}
		}
		if found == "" {
			return ""
		}
		at = path.Join(at, found)
	}
	return at
}
