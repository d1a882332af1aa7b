package buildcontext

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/moby/patternmatcher"
)

const (
	// maxRegular is how many bytes the patterns may have together that need a regular
	// expression: these take some hundred times as much memory.
	maxRegular = 32 << 10
	// maxNegations is how many patterns may begin with a !.
	maxNegations = 2000
)

// patterns match paths as a patternmatcher.PatternMatcher does, which makes a regular
// expression of each pattern that has a wildcard. Most need none, and a file may have a
// hundred thousand of them.
type patterns struct {
	runs      []run
	negations []string // the patterns with a !, without it
}

// simple reports whether a matcher's patterns are globs alone.
func simple(m *patternmatcher.PatternMatcher) bool {
	for _, p := range m.Patterns() {
		if _, ok := newGlob(filepath.ToSlash(p.String())); !ok {
			return false
		}
	}
	return true
}

// run are patterns next to each other that all leave out, or all take back in, so that
// it does not matter which of them matches.
type run struct {
	negated bool
	globs   []glob
	regular []regular
}

// newPatterns takes patterns that parse.
func newPatterns(all []string) (*patterns, error) {
	ps := &patterns{}
	for i, text := range all {
		if g, ok := newGlob(text); ok && plain(text) {
			last := ps.run(false)
			if last.globs == nil { // which grows no more: it may be large
				last.globs = make([]glob, 0, until(all[i:], "!"))
			}
			last.globs = append(last.globs, g)
			continue
		}
		m, err := patternmatcher.New([]string{text})
		if err != nil {
			return nil, err
		}
		for _, p := range m.Patterns() { // none of an empty text
			last := ps.run(p.Exclusion())
			if g, ok := newGlob(filepath.ToSlash(p.String())); ok {
				last.globs = append(last.globs, g)
			} else {
				last.regular = append(last.regular, newRegular(text, p.Exclusion()))
			}
			if p.Exclusion() {
				ps.negations = append(ps.negations, p.String())
			}
		}
	}
	return ps, nil
}

// until is how many texts there are before one with a prefix.
func until(texts []string, prefix string) int {
	if n := slices.IndexFunc(texts, func(text string) bool { return strings.HasPrefix(text, prefix) }); n >= 0 {
		return n
	}
	return len(texts)
}

// limits count what of patterns takes much memory.
type limits struct{ negations, regular int }

// add counts patterns, and returns an error when they are more than may be.
func (l *limits) add(patterns ...string) error {
	for _, p := range patterns {
		text, negated := strings.CutPrefix(p, "!")
		if negated {
			l.negations++
		}
		if _, ok := newGlob(text); !ok {
			l.regular += len(text)
		}
	}
	switch {
	case l.negations > maxNegations:
		return fmt.Errorf("more than %d patterns begin with a !; take back in whole folders", maxNegations)
	case l.regular > maxRegular:
		return fmt.Errorf("the patterns with [ ], \\, ^, or a ** in the middle have more than %d KiB; write simpler ones", maxRegular>>10)
	}
	return nil
}

// plain reports whether a text is a pattern as it stands, in which Docker's readers find
// nothing to change, and nothing wrong.
func plain(text string) bool {
	if text == "" || strings.ContainsAny(text[:1], "#!/") || text != path.Clean(text) {
		return false
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' || strings.IndexByte(`[]\^`, text[i]) >= 0 {
			return false
		}
	}
	return len(text) < 1<<15
}

// run is the run to which a pattern is added.
func (ps *patterns) run(negated bool) *run {
	if n := len(ps.runs); n == 0 || ps.runs[n-1].negated != negated {
		ps.runs = append(ps.runs, run{negated: negated})
	}
	return &ps.runs[len(ps.runs)-1]
}

// match reports whether the patterns leave a path out, and which runs match it, given
// those that match the folder it is in; nil where it is in none.
func (ps *patterns) match(name string, folder []bool) (out bool, matching []bool, err error) {
	matching = make([]bool, len(ps.runs))
	for i, r := range ps.runs {
		hit := folder != nil && folder[i]
		if !hit && r.negated == out { // else it changes nothing
			if hit, err = r.match(name); err != nil {
				return false, nil, err
			}
		}
		if matching[i] = hit; hit {
			out = !r.negated
		}
	}
	return out, matching, nil
}

func (r run) match(name string) (bool, error) {
	for _, g := range r.globs {
		if g.match(name) {
			return true, nil
		}
	}
	for _, p := range r.regular {
		if hit, err := p.match(name); hit || err != nil {
			return hit, err
		}
	}
	return false, nil
}

// glob is a pattern that path.Match, or less, can match.
type glob struct {
	text       string
	head, tail uint16 // how much of the text's beginning and end has no wildcard
	where      where
}

// where is what of a path a glob matches.
type where uint8

const (
	whole  where = iota
	start        // as in dir/**
	end          // as in **.ext
	deeper       // its last names, as in **/*.ext
)

// newGlob reads a clean pattern with slashes, if it is one.
func newGlob(text string) (g glob, ok bool) {
	const special = "[]\\^\ufeff" // to a regular expression, or to how one is made
	if strings.ContainsAny(text, special) || !utf8.ValidString(text) || len(text) > 1<<15 {
		return glob{}, false
	}
	literal := func(s string) bool { return !strings.ContainsAny(s, "*?") }
	after, leads := strings.CutPrefix(text, "**")
	before, trails := strings.CutSuffix(text, "**")
	switch below, deep := strings.CutPrefix(after, "/"); {
	case leads && literal(after) && !deep:
		g = glob{text: after, where: end}
	case trails && literal(before):
		g = glob{text: before, where: start}
	case leads && deep:
		g = glob{text: below, where: deeper}
	default:
		g = glob{text: text}
	}
	if strings.Contains(g.text, "**") {
		return glob{}, false
	}
	g.head, g.tail = uint16(len(g.text)), uint16(len(g.text))
	if first := strings.IndexAny(g.text, "*?"); first >= 0 {
		g.head, g.tail = uint16(first), uint16(len(g.text)-1-strings.LastIndexAny(g.text, "*?"))
	}
	return g, true
}

func (g glob) match(name string) bool {
	switch g.where {
	case start:
		return strings.HasPrefix(name, g.text)
	case end:
		return strings.HasSuffix(name, g.text)
	}
	if !strings.HasSuffix(name, g.text[len(g.text)-int(g.tail):]) {
		return false
	}
	if g.where == deeper {
		at := len(name)
		for range strings.Count(g.text, "/") + 1 {
			if at < 0 {
				return false
			}
			at = strings.LastIndexByte(name[:at], '/')
		}
		if strings.Contains(name[:at+1], "\n") && int(g.head) < len(g.text) {
			return false // as in Docker's regular expression
		}
		name = name[at+1:]
	}
	if !strings.HasPrefix(name, g.text[:g.head]) {
		return false
	}
	ok, _ := path.Match(g.text, name)
	return ok
}

// regular is a pattern that Docker's own matcher matches.
type regular struct {
	matcher *patternmatcher.PatternMatcher
	negated bool
	apart   patternmatcher.MatchInfo // says that no folder above matches
}

// newRegular takes a pattern that parses.
func newRegular(text string, negated bool) regular {
	list, none := []string{text}, []string{"!x"} // which is not looked at where nothing is out
	if negated {
		list, none = []string{"**", text}, []string{"!x", "!x"}
	}
	r := regular{negated: negated}
	r.matcher, _ = patternmatcher.New(list)
	unmatched, _ := patternmatcher.New(none)
	_, r.apart, _ = unmatched.MatchesUsingParentResults("x", patternmatcher.MatchInfo{})
	return r
}

func (r regular) match(name string) (bool, error) {
	out, _, err := r.matcher.MatchesUsingParentResults(name, r.apart)
	return out != r.negated && err == nil, err
}
