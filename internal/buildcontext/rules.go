package buildcontext

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// maxBad is how many bad patterns are reported.
const maxBad = 30

// unneeded is what the platform's clients leave out of a context that has no
// ignore file, at any depth; the secrets of isSecret are in their list, too. A
// name is "**/name" and an ending "**.ending": these cost a comparison each, and
// "**/*.ending", which says the same, a regular expression.
var unneeded = []string{
	"**/.git", "**/.gitignore", "**/.gitattributes", "**/.github",
	"**/__pycache__", "**.pyc", "**.pyo", "**.pyd", "**.so", "**/.Python",
	"**/.venv", "**/venv", "**/ENV", "**/env",
	"**/.pytest_cache", "**/.coverage", "**/htmlcov", "**/.tox", "**/.nox", "**/.mypy_cache", "**/.ruff_cache",
	"**/.vscode", "**/.idea", "**.swp", "**.swo",
	"**/dist", "**/build", "**.egg-info", "**.egg", "**/.eggs", "**/node_modules",
	"**/.claude", "**/.codex", "**/.cursor", "**/pcc-deploy.toml",
	"**/.ipynb_checkpoints", "**/.cache", "**/.DS_Store", "**/Thumbs.db", "**.log",
}

// rules say what of a context is packed. They are Docker's: the last pattern
// that matches a path or one of its folders decides.
//
// https://docs.docker.com/build/concepts/context/#dockerignore-files
type rules struct {
	file      string // the ignore file; empty: unneeded
	patterns  *patterns
	negations []negation      // patterns with a !
	kept      map[string]bool // the Dockerfile, and the links to it
	through   map[string]bool // folders on the way to these
}

// newRules reads the rules for a Dockerfile: of the ignore file beside it that
// has its name, else of the context's .dockerignore, else the platform's; and
// then those of the input. The error has all patterns that do not parse.
func newRules(root *os.Root, dockerfile string, kept, exclude []string) (*rules, error) {
	r := &rules{kept: map[string]bool{}, through: map[string]bool{}}
	for _, name := range kept {
		r.kept[name] = true
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			r.through[dir] = true
		}
	}
	read := reading{patterns: slices.Clone(unneeded)}
	files := []string{dockerfile + ".dockerignore", ".dockerignore"}
	if len(kept) == 0 {
		files = files[1:] // the Dockerfile was not found
	}
	for _, name := range files {
		text, err := readIgnoreFile(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		r.file = name
		if err != nil {
			read.bad = append(read.bad, err)
			break
		}
		number := 0
		read.patterns = make([]string, 0, strings.Count(text, "\n")+1) // which grows no more: it may be large
		for line := range strings.Lines(text) {
			if number++; !read.line(line, number == 1, Error{File: name, Line: number}) {
				break
			}
		}
		break
	}
	for line := range strings.Lines(strings.Join(exclude, "\n")) {
		if !read.line(line, false, Error{Input: inputExclude}) {
			break
		}
	}
	if len(read.bad) > 0 {
		return nil, errors.Join(read.bad...)
	}
	return r, r.compile(read.patterns)
}

// reading are the patterns of the lines that are read, and what is wrong with others.
type reading struct {
	patterns []string
	bad      []error
	limits   limits
	full     bool // no more lines are to be read
}

// line takes up a line that is somewhere, and reports whether more can be read.
func (r *reading) line(text string, first bool, at Error) bool {
	if r.full {
		return false
	}
	if whole := strings.TrimRight(text, "\r\n"); plain(whole) && r.limits.add(whole) == nil { // most are
		r.patterns = append(r.patterns, whole)
		return true
	}
	patterns, err := parse(text, first)
	if err == nil {
		err = r.limits.add(patterns...)
		r.full = err != nil
	}
	if err != nil {
		at.Text = err.Error()
		r.bad = append(r.bad, &at)
	}
	if len(r.bad) == maxBad {
		r.bad, r.full = append(r.bad, &Error{File: at.File, Input: at.Input, Text: "the lines after that were not read"}), true
	}
	r.patterns = append(r.patterns, patterns...)
	return !r.full
}

// compile takes patterns that parse.
func (r *rules) compile(patterns []string) (err error) {
	if r.patterns, err = newPatterns(patterns); err != nil {
		return err
	}
	for _, p := range r.patterns.negations {
		r.negations = append(r.negations, newNegation(p))
	}
	return nil
}

// readIgnoreFile returns an ignore file's text. Its error is fs.ErrNotExist only
// where there is no such file.
func readIgnoreFile(root *os.Root, name string) (string, error) {
	info, err := root.Stat(name) // a link is followed within the context
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := root.Lstat(name); err != nil {
			return "", fs.ErrNotExist
		}
		return "", &Error{File: name, Text: "it is a symbolic link to nothing"}
	case err != nil:
		return "", &Error{File: name, Text: fmt.Sprintf("it cannot be read: %v", err), Err: err}
	case !info.Mode().IsRegular():
		return "", &Error{File: name, Text: "it is not a regular file"}
	}
	f, err := openFile(root, name)
	if err != nil {
		return "", &Error{File: name, Text: fmt.Sprintf("it cannot be read: %v", err), Err: err}
	}
	defer f.Close()
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return "", &Error{File: name, Text: fmt.Sprintf("it cannot be read: %v", err), Err: err}
	}
	if len(text) > most {
		return "", &Error{File: name, Text: "it is larger than 1 MB"}
	}
	return string(text), nil
}

var errControl = errors.New("it has a control character")

// parse reads a line of an ignore file: a pattern, or none.
func parse(line string, first bool) ([]string, error) {
	if text := strings.TrimRight(line, "\r\n"); plain(text) {
		return []string{text}, nil
	}
	if len(line) > maxRegular {
		return nil, fmt.Errorf("%.200q… is longer than %d KiB", line, maxRegular>>10)
	}
	text := line
	if !first {
		text = "\n" + text // where the file's first line may have a byte order mark
	}
	patterns, err := ignorefile.ReadAll(strings.NewReader(text))
	for _, p := range patterns {
		if strings.ContainsFunc(p, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			err = errControl // as in a tab and a comment after a pattern
		}
		// New alone does not see all that a regular expression will not take.
		for _, tried := range [][]string{{p}, {"**", p}} {
			m, bad := patternmatcher.New(tried)
			if bad == nil && !simple(m) {
				_, bad = m.MatchesOrParentMatches("x")
			}
			if bad != nil {
				err = bad
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%.200q is not a pattern that Docker reads: %w; a [ needs its ], a range its order, a \\ something after it, a ! a pattern", strings.TrimSpace(line), err)
	}
	return patterns, nil
}

// negation is a pattern with a !, which takes back in what those before it leave out.
type negation struct {
	// parts are its first ones, before any that may stand for more than one name
	// of a path; open says that there is such a one.
	parts []string
	open  bool

	// only is what of the pattern may name a secret; nil where that is nothing.
	only *patternmatcher.PatternMatcher
	none patternmatcher.MatchInfo // says that no folder above matches
}

func newNegation(pattern string) negation {
	parts := strings.Split(pattern, string(filepath.Separator))
	var n negation
	for _, part := range parts {
		// In Docker's regular expressions [^a] stands for a slash, too.
		if n.open = strings.Contains(part, "**") || strings.ContainsAny(part, `[]\`); n.open {
			break
		}
		n.parts = append(n.parts, part)
	}
	if only := naming(filepath.ToSlash(pattern)); only != "" {
		n.only, _ = matcherOf(only)
	}
	if n.only != nil {
		_, n.none, _ = n.only.MatchesUsingParentResults("", patternmatcher.MatchInfo{})
	}
	return n
}

// below reports whether the pattern may match something in a folder, rather than
// the folder or one above.
func (n negation) below(dir string) bool {
	for i, name := range strings.Split(dir, "/") {
		if i == len(n.parts) {
			return n.open
		}
		if ok, _ := filepath.Match(n.parts[i], name); !ok {
			return false
		}
	}
	return n.open || len(n.parts) > strings.Count(dir, "/")+1
}

// names reports whether the pattern takes a path itself back in, and not only a
// folder that it is in.
func (n negation) names(name string) bool {
	if n.only == nil {
		return false
	}
	matched, _, _ := n.only.MatchesUsingParentResults(name, n.none)
	return matched
}

// decision is what the rules say of a path.
type decision struct {
	out    bool   // a rule leaves it out
	secret bool   // it may hold secrets by its name, or is in a folder that may
	named  string // what would be secret, but for a pattern that names it: the path, or a folder that is out; or empty
	info   []bool // see patterns.match
}

// decide says what becomes of a path, given what became of the folder it is in.
func (r *rules) decide(name string, parent decision) (decision, error) {
	if r.kept[name] {
		return decision{}, nil
	}
	var now decision
	var err error
	if now.out, now.info, err = r.patterns.match(name, parent.info); err != nil {
		return now, err
	}
	if parent.out {
		now.named = parent.named
	}
	if parent.secret || IsSecret(path.Base(name)) {
		now.secret = true
		for _, n := range r.negations {
			if n.names(name) {
				now.secret, now.named = false, name
				break
			}
		}
	}
	return now, nil
}

// cannotReinclude reports whether no pattern can take back in anything of a folder
// that is left out.
func (r *rules) cannotReinclude(dir string) bool {
	if r.through[dir] {
		return false
	}
	for _, n := range r.negations {
		if n.below(dir) {
			return false
		}
	}
	return true
}
