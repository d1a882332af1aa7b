package buildcontext

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// openContext opens the context's folder. From here on nothing outside of it
// can be reached, whatever becomes of its links.
func openContext(o Options) (*os.Root, error) {
	dir := cmp.Or(o.Dir, ".")
	wrong := func(err error, format string, args ...any) (*os.Root, error) {
		return nil, &Error{Input: inputContext, Text: fmt.Sprintf("%q ", dir) + fmt.Sprintf(format, args...), Err: err}
	}
	workspace, err := absolute(o.Workspace)
	if err != nil {
		return nil, fmt.Errorf("the workspace %q cannot be opened: %w", o.Workspace, err)
	}
	named := dir
	if !filepath.IsAbs(dir) {
		named = filepath.Join(workspace, dir)
	}
	real, err := absolute(named)
	switch {
	case err != nil && !within(o.Workspace, named) && !within(workspace, named):
		return wrong(err, "is outside of the workspace %q; name a folder within", o.Workspace)
	case errors.Is(err, fs.ErrNotExist):
		return wrong(err, "does not exist; does the job check out the repository before?")
	case err != nil:
		return wrong(err, "cannot be opened: %v", err)
	case !within(workspace, real) && !within(workspace, named):
		return wrong(nil, "is outside of the workspace %q; name a folder within", o.Workspace)
	case !within(workspace, real):
		return wrong(nil, "leads out of the workspace by a symbolic link, to %q; name a folder within", real)
	}
	if info, err := os.Stat(real); err != nil {
		return wrong(err, "cannot be opened: %v", err)
	} else if !info.IsDir() {
		return wrong(nil, "is a file; name the folder that it is in")
	}
	root, err := openWithin(workspace, real)
	if err != nil {
		return wrong(err, "cannot be opened: %v", err)
	}
	return root, nil
}

// inWorkspace is the path of the context in the workspace, with slashes; "" for the
// workspace itself, or where there is none.
func inWorkspace(o Options) string {
	workspace, err := absolute(o.Workspace)
	if err != nil || workspace == "" {
		return ""
	}
	named := cmp.Or(o.Dir, ".")
	if !filepath.IsAbs(named) {
		named = filepath.Join(workspace, named)
	}
	real, err := absolute(named)
	if err != nil {
		return ""
	}
	rel, err := filepath.Rel(workspace, real)
	if err != nil || rel == "." {
		return ""
	}
	return filepath.ToSlash(rel)
}

// absolute returns a path without links, and nothing for none.
func absolute(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return "", err
	}
	return filepath.Abs(name)
}

// within reports whether a path is in a folder, by the names alone. All are in
// none.
func within(dir, name string) bool {
	rel, err := filepath.Rel(dir, name)
	return dir == "" || err == nil && filepath.IsLocal(rel)
}

// openWithin opens a folder that is in a workspace, if there is one, even should
// a link have taken its place.
func openWithin(workspace, dir string) (*os.Root, error) {
	if workspace == "" {
		return os.OpenRoot(dir)
	}
	rel, err := filepath.Rel(workspace, dir)
	if err != nil {
		return nil, err
	}
	around, err := os.OpenRoot(workspace)
	if err != nil {
		return nil, err
	}
	defer around.Close()
	return around.OpenRoot(rel)
}

// findDockerfile returns the Dockerfile's path in the context, with slashes, and
// all that must be packed for it to be there: itself, and the links on the way.
func findDockerfile(root *os.Root, o Options) (dockerfile string, kept []string, err error) {
	name := cmp.Or(o.Dockerfile, "Dockerfile")
	wrong := func(err error, format string, args ...any) error {
		return &Error{Input: inputDockerfile, Text: fmt.Sprintf("%q ", name) + fmt.Sprintf(format, args...), Err: err}
	}
	if !filepath.IsLocal(name) {
		return "", nil, wrong(nil, "is outside of the build context; give its path within %s", inputContext)
	}
	dockerfile = path.Clean(filepath.ToSlash(name))
	kept, err = resolve(root, dockerfile)
	switch {
	case errors.Is(err, errOutside):
		return dockerfile, nil, wrong(nil, "is a symbolic link, or beyond one, that leads out of the build context; give a file within %s", inputContext)
	case errors.Is(err, fs.ErrNotExist):
		return dockerfile, nil, wrong(err, "is not in the build context; %s", whatIsThere(root, o))
	case err != nil:
		return dockerfile, nil, wrong(err, "cannot be opened: %v", err)
	}
	info, err := root.Lstat(kept[len(kept)-1])
	switch {
	case err != nil:
		return dockerfile, nil, wrong(err, "cannot be opened: %v", err)
	case info.IsDir():
		return dockerfile, nil, wrong(nil, "is a folder; %s", whatIsThere(root, o))
	case !info.Mode().IsRegular():
		return dockerfile, nil, wrong(nil, "is not a regular file")
	}
	return dockerfile, kept, nil
}

var errOutside = errors.New("a link leads out of the context")

// resolve follows a path of the context, link by link, and returns the links and
// then what they lead to.
func resolve(root *os.Root, name string) ([]string, error) {
	var links []string
	at, rest := ".", strings.Split(name, "/")
	for len(rest) > 0 {
		next := path.Join(at, rest[0])
		rest = rest[1:]
		if !filepath.IsLocal(filepath.FromSlash(next)) {
			return nil, errOutside
		}
		info, err := root.Lstat(next)
		if err != nil {
			return nil, err
		}
		if info.Mode().Type() != fs.ModeSymlink {
			if at = next; len(rest) > 0 && !info.IsDir() {
				return nil, fmt.Errorf("%q is not a folder: %w", at, fs.ErrNotExist)
			}
			continue
		}
		if links = append(links, next); len(links) > 40 {
			return nil, fmt.Errorf("more than 40 symbolic links, the last being %q", next)
		}
		target, err := root.Readlink(next)
		if err != nil {
			return nil, err
		}
		if filepath.IsAbs(target) || filepath.VolumeName(target) != "" {
			return nil, errOutside
		}
		rest = append(strings.Split(filepath.ToSlash(target), "/"), rest...)
	}
	return append(links, at), nil
}

// whatIsThere names the Dockerfiles that are in a context, the nearest first, with
// what to set where there is just one; or else what is there.
func whatIsThere(root *os.Root, o Options) string {
	const most = 20_000 // entries that are looked at
	var named, top []string
	files := root.FS()
	seen := 0
	for dirs := []string{"."}; len(dirs) > 0 && seen < most; dirs = dirs[1:] {
		entries, err := fs.ReadDir(files, dirs[0])
		if err != nil {
			continue
		}
		seen += len(entries)
		for _, e := range entries {
			name := path.Join(dirs[0], e.Name())
			lower := strings.ToLower(e.Name())
			switch {
			case e.IsDir() && lower != ".git" && lower != "node_modules":
				dirs = append(dirs, name)
			case !e.IsDir() && (strings.Contains(lower, "dockerfile") || strings.Contains(lower, "containerfile")) && !strings.HasSuffix(lower, ".dockerignore"):
				named = append(named, name)
			}
			if dirs[0] == "." {
				top = append(top, name)
			}
		}
	}
	switch {
	case len(named) == 1:
		return "these are there: " + quoted(named) + "; " + proposal(root, o, named[0])
	case len(named) > 0:
		return "these are there: " + quoted(named)
	case len(top) > 0:
		return "there is no Dockerfile at all, but " + quoted(top)
	}
	return "the context is empty; does the job check out the repository before?"
}
