// Package dockerfile reads what a Dockerfile takes from its build context. It knows
// the whole language but what is rare: of a Dockerfile that it does not surely
// understand as the builder does, it says nothing. (The builder's own parser would
// add two megabytes to the binary.)
package dockerfile

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Source is what an instruction takes from the build context.
type Source struct {
	Instruction string // COPY, ADD or RUN
	Line        int    // of the Dockerfile, where the instruction begins
	Written     string // as the Dockerfile has it

	// Path is in the context, with slashes and without dots; "." is all of it. It
	// is empty when it depends on what the Dockerfile does not say.
	Path    string
	Pattern bool // Path has wildcards, of path.Match
	Above   bool // Written leads out of the context, where the builder stays in it
}

// Sources returns what a build of a Dockerfile's last stage takes from the context,
// in the order of the stages. It reports false for a Dockerfile that it
// does not understand, of which nothing can be said.
func Sources(text []byte) ([]Source, bool) {
	p := parse(text)
	if p.bad {
		return nil, false
	}
	r := reader{escape: p.escape, global: values{}, stages: p.stages, after: make([]values, len(p.stages))}
	r.declare(r.global, p.arguments)
	needed := r.needed()
	for i := range r.stages {
		r.stage(i)
		for _, s := range r.found {
			if needed[i] && !slices.Contains(r.all, s) { // two stages may begin with one that has triggers
				r.all = append(r.all, s)
			}
		}
	}
	if r.bad {
		return nil, false
	}
	return r.all, true
}

// remote is what ADD fetches from elsewhere.
var remote = regexp.MustCompile(`^(?:[A-Za-z][A-Za-z0-9+.-]*://|[\w.-]+@[^/:]+:)`)

// platformArguments are set by the builder.
var platformArguments = regexp.MustCompile(`^(?:(?:TARGET|BUILD)(?:PLATFORM|OS|ARCH|VARIANT|STAGE)|BUILDKIT_.*|SOURCE_DATE_EPOCH|(?i:https?|ftp|no|all)_(?i:proxy))$`)

// reader reads the stages of a Dockerfile.
type reader struct {
	escape rune
	global values // arguments before the first stage
	stages []stage
	after  []values // of each stage that was read, at its end
	found  []Source // in the current stage
	all    []Source
	bad    bool // something cannot be expanded
}

// expand expands a word's variables, and reports whether all are known.
func (r *reader) expand(written string, in values) (string, bool) {
	w := word{rest: written, escape: r.escape, values: in}
	text := w.until(0)
	r.bad = r.bad || w.bad
	return text, !w.bad && !w.unknown
}

// set gives a variable its value, which is not known where the word's is not.
func (r *reader) set(in values, name, word string) {
	value, known := r.expand(word, in)
	if in[name] = value; !known {
		delete(in, name)
	}
}

// declare gives arguments their defaults: no build here passes others.
func (r *reader) declare(in values, arguments []variable) {
	for _, a := range arguments {
		value, global := r.global[a.name]
		switch {
		case platformArguments.MatchString(a.name):
			delete(in, a.name)
		case a.set:
			r.set(in, a.name, a.value)
		case global:
			in[a.name] = value
		}
	}
}

// stage reads a stage.
func (r *reader) stage(i int) {
	r.found = nil
	env := values{}
	if base := r.base(i); base >= 0 {
		env = maps.Clone(r.after[base])
	}
	r.after[i] = env
	for _, c := range r.instructions(i) {
		switch c.name {
		case "ARG":
			r.declare(env, c.variables)
		case "ENV":
			before := maps.Clone(env) // one ENV's variables do not see each other
			for _, v := range c.variables {
				value, known := r.expand(v.value, before)
				if env[v.name] = value; !known {
					delete(env, v.name)
				}
			}
		case "COPY", "ADD":
			if c.from == "" {
				r.paths(c, env)
			}
		case "RUN":
			r.mounts(c, env)
		}
	}
}

// paths notes what COPY or ADD takes. The wildcards of --parents are others.
func (r *reader) paths(c instruction, env values) {
	for _, word := range c.sources {
		text, known := r.expand(word, env)
		if known && remote.MatchString(text) || !known && remote.MatchString(word) {
			continue
		}
		s := source(c, word, text, known)
		if s.Pattern = hasWildcards(s.Path); s.Pattern && c.parents {
			s.Path = ""
		}
		r.found = append(r.found, s)
	}
}

// mounts notes what RUN mounts. Where it needs a variable that is not known, none is.
func (r *reader) mounts(c instruction, env values) {
	known := true
	for _, m := range c.mounts {
		for _, value := range m.values {
			_, ok := r.expand(value, env)
			known = known && ok
		}
		if strings.Contains(m.typ, "$") {
			return
		}
	}
	for _, m := range c.mounts {
		if m.typ == "bind" && m.from == "" {
			text, _ := r.expand(m.source, env)
			r.found = append(r.found, source(c, m.source, text, known))
		}
	}
}

func source(c instruction, written, text string, known bool) Source {
	s := Source{Instruction: c.name, Line: c.line, Written: written}
	if known {
		s.Path = strings.TrimPrefix(path.Join("/", text), "/")
		if s.Path == "" {
			s.Path = "."
		}
		clean := path.Clean(strings.TrimLeft(text, "/"))
		s.Above = clean == ".." || strings.HasPrefix(clean, "../")
	}
	return s
}

// hasWildcards reports whether the builder takes a path for a pattern.
func hasWildcards(name string) bool {
	for i := 0; i < len(name); i++ {
		switch name[i] {
		case '\\':
			i++
		case '*', '?', '[':
			return true
		}
	}
	return false
}
