package buildcontext

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"pipecat-cloud-deploy/internal/dockerfile"
)

// Reason is why a build context lacks what its Dockerfile takes from it.
type Reason string

const (
	Ignored      Reason = "ignored"       // a pattern excludes it
	Secret       Reason = "secret"        // it is excluded because it may hold secrets
	NotCommitted Reason = "not-committed" // it does not exist, and a .gitignore names it
	NotThere     Reason = "not-there"     // it does not exist
	Outside      Reason = "outside"       // its path leads out of the context
	LinkOutside  Reason = "link-outside"  // it is a symbolic link that leads out of the context
	Pointer      Reason = "lfs-pointer"   // it is there, but as a pointer of Git LFS
	Submodule    Reason = "submodule"     // it is in a submodule of Git that was not checked out
)

// Missing is what a Dockerfile takes from its build context and does not find
// there.
type Missing struct {
	dockerfile.Source
	Reason Reason

	// Paths are what is missing, in the context: the source itself, what a link
	// leads to, or what a pattern or a folder would have had. It has one at least.
	Paths []string

	// Fails says that the build cannot do without it. It can where Source is a
	// pattern, a folder of which nothing but itself is left, or a pointer.
	Fails bool

	Rule     Rule   // that excludes it, or of .gitignore; the zero one for another Reason
	IsSecret bool   // it may hold secrets, and a rule excludes it anyway
	Link     string // where a link leads, for LinkOutside

	// Elsewhere is where a file of the path is instead, in the context or, for
	// Outside, in the workspace; "" for nowhere.
	Elsewhere string
}

// Rule is a pattern, with where it is.
type Rule struct {
	Pattern string
	File    string // the ignore file, in the context, or the .gitignore in the workspace; "" where Input is, or for the platform's own list
	Line    int    // in File
	Input   string // build-exclude; "" for none
}

// lookup finds what of a Dockerfile's sources a context lacks.
type lookup struct {
	root    *os.Root
	found   *contents
	rules   *rules
	o       Options
	dir     string // the context, in the workspace
	docker  string // the Dockerfile, in the context
	missing []Missing
}

// inspect returns what the sources of a Dockerfile lack. It reads names alone, and
// says nothing where it cannot read.
func (l *lookup) inspect(sources []dockerfile.Source, pointers []string) []Missing {
	for _, s := range sources {
		switch {
		case s.Path == "":
		case s.Pattern:
			l.pattern(s)
		default:
			l.path(s)
		}
	}
	l.explain()
	return append(l.missing, pointed(l.found, sources, pointers)...)
}

// path looks for a source without wildcards.
func (l *lookup) path(s dockerfile.Source) {
	at, left := l.found.resolve(s.Path)
	e, ok := l.found.lookup(at)
	switch {
	case !ok, left != nil && e.mode.Type() == fs.ModeSymlink: // a link to ../x that is called x leads to itself
		if m, ok := l.why(s, at, left); ok {
			m.Fails = true
			l.missing = append(l.missing, m)
		}
	case e.mode.IsDir() && at != "." && l.found.empty(at):
		// The builder is content with a folder, but a user copies it for what it has.
		if first := firstFile(l.root, at); first != "" {
			if m, ok := l.why(s, first, nil); ok {
				l.missing = append(l.missing, m)
			}
		} else if submodule(l.o.Workspace, path.Join(l.dir, at)) {
			l.missing = append(l.missing, Missing{Source: s, Reason: Submodule, Paths: []string{at}})
		}
	}
}

// pattern looks for a source with wildcards, which may match nothing. It is missing
// what it would match if all of the context were packed.
func (l *lookup) pattern(s dockerfile.Source) {
	for _, e := range l.found.entries {
		if ok, _ := path.Match(s.Path, e.path); ok {
			return
		}
	}
	var m Missing
	for _, name := range matches(l.root, s.Path) {
		one, ok := l.why(s, name, nil)
		switch {
		case !ok || m.Reason != "" && one.Reason != m.Reason:
		case m.Reason == "":
			m = one
		default:
			m.Paths = append(m.Paths, name)
		}
	}
	if m.Reason != "" {
		l.missing = append(l.missing, m)
	}
}

// why says why a path is not packed, unless it is nothing that the user can set
// right. The link is one that was followed out of the context on the way there.
func (l *lookup) why(s dockerfile.Source, name string, link *entry) (Missing, bool) {
	m := Missing{Source: s, Paths: []string{name}}
	info, err := l.root.Stat(name)
	if err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return m, false
	}
	out, secret := l.decided(name)
	switch {
	case err == nil && out:
		m.Reason, m.IsSecret = Ignored, secret
	case err == nil && secret:
		m.Reason = Secret
	case err == nil: // a link to what is not packed, or what came only now
		return m, false
	case s.Above:
		m.Reason = Outside
		l.beside(&m)
	case link != nil:
		m.Reason, m.Paths, m.Link = LinkOutside, []string{link.path}, link.link
	default:
		m.Reason = NotThere
		if submodule(l.o.Workspace, path.Join(l.dir, name)) {
			m.Reason = Submodule
			break
		}
		if rule, ok := gitignored(l.o.Workspace, path.Join(l.dir, name)); ok {
			m.Reason, m.Rule = NotCommitted, rule
		}
		m.Elsewhere = l.elsewhere(name)
	}
	return m, true
}

// decided says what the rules decide on a path or one of its folders.
func (l *lookup) decided(name string) (out, secret bool) {
	var now decision
	parts := strings.Split(name, "/")
	for i := range parts {
		at := strings.Join(parts[:i+1], "/")
		var err error
		if now, err = l.rules.decide(at, now); err != nil {
			return false, false
		}
	}
	return now.out, now.secret
}

// elsewhere is where a file of the name is that a path was meant for: beside the
// Dockerfile, or written with other letters.
func (l *lookup) elsewhere(name string) string {
	if beside := path.Join(path.Dir(l.docker), name); beside != name {
		if _, err := l.root.Stat(beside); err == nil {
			return beside
		}
	}
	return otherCase(l.root, name)
}

// otherCase is a path that is there, and that differs from a name in letter case
// alone; "" where there is none.
func otherCase(root *os.Root, name string) string {
	at := "."
	for part := range strings.SplitSeq(name, "/") {
		found := ""
		entries, _ := fs.ReadDir(root.FS(), at)
		for _, e := range entries {
			if e.Name() == part || found == "" && strings.EqualFold(e.Name(), part) {
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

// beside finds a file that is in the workspace, but not in the context.
func (l *lookup) beside(m *Missing) {
	written := path.Join(l.dir, m.Written)
	if l.o.Workspace == "" || !fs.ValidPath(written) {
		return
	}
	workspace, err := os.OpenRoot(l.o.Workspace)
	if err != nil {
		return
	}
	defer workspace.Close()
	if _, err := workspace.Stat(written); err == nil {
		m.Elsewhere = written
	}
}

// lookup finds an entry by its path. It relies on the order of the entries.
func (c *contents) lookup(name string) (entry, bool) {
	if name == "." {
		return entry{path: ".", mode: fs.ModeDir}, true
	}
	for _, key := range []string{name, name + "/"} {
		i, ok := slices.BinarySearchFunc(c.entries, key, func(e entry, key string) int { return strings.Compare(e.key(), key) })
		if ok {
			return c.entries[i], true
		}
	}
	return entry{}, false
}

// key is the name that an entry has in the archive.
func (e entry) key() string {
	if e.mode.IsDir() {
		return e.path + "/"
	}
	return e.path
}

// empty reports whether nothing but folders is packed of a folder.
func (c *contents) empty(dir string) bool {
	i, _ := slices.BinarySearchFunc(c.entries, dir+"/", func(e entry, key string) int { return strings.Compare(e.key(), key) })
	for _, e := range c.entries[i:] {
		if !strings.HasPrefix(e.key(), dir+"/") {
			return true
		}
		if !e.mode.IsDir() {
			return false
		}
	}
	return true
}

// resolve follows a path as the builder does, where the context is the root of
// all paths. It returns where that ends, even at nothing, and the first link that
// leads out of the context.
func (c *contents) resolve(name string) (at string, left *entry) {
	at = "."
	rest := strings.Split(name, "/")
	for links := 0; len(rest) > 0; {
		next := path.Join(at, rest[0])
		rest = rest[1:]
		e, ok := c.lookup(next)
		if !ok || e.mode.Type() != fs.ModeSymlink {
			at = next
			continue
		}
		if links++; links > 40 {
			return next, left
		}
		target := path.Join(path.Dir(next), e.link)
		if path.IsAbs(e.link) || target == ".." || strings.HasPrefix(target, "../") {
			if left == nil {
				left = &e
			}
			if path.IsAbs(e.link) {
				target = e.link
			}
		}
		at, rest = ".", append(strings.Split(strings.TrimPrefix(path.Join("/", target), "/"), "/"), rest...)
	}
	return at, left
}

const maxLooked = 10_000 // names that are read for one source

// firstFile is the first file of a folder; "" for none.
func firstFile(root *os.Root, dir string) (first string) {
	seen := 0
	_ = fs.WalkDir(root.FS(), dir, func(name string, e fs.DirEntry, err error) error {
		if seen++; err != nil || seen > maxLooked {
			return fs.SkipAll
		}
		if e.Type().IsRegular() {
			first = name
			return fs.SkipAll
		}
		return nil
	})
	return first
}

// matches are the paths that a pattern matches, at most twenty.
func matches(root *os.Root, pattern string) (all []string) {
	files, seen := root.FS(), 0
	var in func(dir string, parts []string)
	in = func(dir string, parts []string) {
		entries, err := fs.ReadDir(files, dir)
		if seen += len(entries); err != nil || seen > maxLooked {
			return
		}
		for _, e := range entries {
			ok, _ := path.Match(parts[0], e.Name())
			switch {
			case !ok || len(all) == 20:
			case len(parts) == 1:
				all = append(all, path.Join(dir, e.Name()))
			case e.IsDir():
				in(path.Join(dir, e.Name()), parts[1:])
			}
		}
	}
	in(".", strings.Split(pattern, "/"))
	return all
}

// readSources reads what a Dockerfile takes from the context; nothing where it
// cannot be read or understood.
func readSources(root *os.Root, name string) []dockerfile.Source {
	f, err := openFile(root, name)
	if err != nil {
		return nil
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil
	}
	sources, _ := dockerfile.Sources(text)
	return sources
}

// nothingLeft returns an error where the rules leave a Dockerfile nothing to copy. Of
// what is not there in any case it says nothing.
func (l lookup) nothingLeft(sources []dockerfile.Source) error {
	if len(sources) == 0 || l.found.own > 0 || l.found.excluded == 0 && len(l.found.keptOut) == 0 {
		return nil
	}
	out := slices.DeleteFunc(l.inspect(sources, nil), func(m Missing) bool { return m.Reason != Ignored && m.Reason != Secret })
	some := func(s dockerfile.Source) bool { return s.Path == "" || s.Path == "." || s.Pattern }
	why := "the ignore rules leave out all else; take back in what it copies, by a pattern with a ! in .dockerignore or " + inputExclude
	switch {
	case len(out) > 0:
		is := "may hold secrets"
		if out[0].Reason == Ignored {
			is = fmt.Sprintf("is left out by %q", out[0].Rule.Pattern)
		}
		why = fmt.Sprintf("%q %s; to include it, add %q to %s", out[0].Paths[0], is, Include(out[0].Paths[0]), cmp.Or(l.rules.file, inputExclude))
	case !slices.ContainsFunc(sources, some):
		return nil
	}
	return &Error{Input: inputContext, Text: "it is empty but for its Dockerfile, which copies from it: " + why}
}
