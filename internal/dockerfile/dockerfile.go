// Package dockerfile reads what a Dockerfile takes from its build context, with the
// builder's own parser.
package dockerfile

import (
	"bytes"
	"path"
	"regexp"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
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
// in the order of the stages. It reports false for a Dockerfile that this parser
// does not understand, of which nothing can be said.
func Sources(text []byte) ([]Source, bool) {
	if syntax, _, _, ok := parser.DetectSyntax(text); ok && !ownSyntax.MatchString(syntax) {
		return nil, false
	}
	file, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, false
	}
	stages, arguments, err := instructions.Parse(file.AST, nil)
	if err != nil {
		return nil, false
	}
	r := reader{lex: shell.NewLex(file.EscapeToken), global: values{}, stages: stages, after: make([]values, len(stages))}
	for _, a := range arguments {
		r.declare(r.global, a)
	}
	needed := r.needed()
	for i := range stages {
		if r.stage(i); needed[i] {
			r.all = append(r.all, r.found...)
		}
	}
	if r.bad {
		return nil, false
	}
	return r.all, true
}

// ownSyntax is the frontend that this parser is part of, in any version.
var ownSyntax = regexp.MustCompile(`^(?:docker\.io/)?docker/dockerfile(?:-upstream)?(?:[:@]|$)`)

// remote is what ADD fetches from elsewhere.
var remote = regexp.MustCompile(`^(?:[A-Za-z][A-Za-z0-9+.-]*://|[\w.-]+@[^/:]+:)`)

// platformArguments are set by the builder.
var platformArguments = regexp.MustCompile(`^(?:(?:TARGET|BUILD)(?:PLATFORM|OS|ARCH|VARIANT|STAGE)|BUILDKIT_.*|SOURCE_DATE_EPOCH|(?i:https?|ftp|no|all)_(?i:proxy))$`)

// reader reads the stages of a Dockerfile.
type reader struct {
	lex    *shell.Lex
	global values // arguments before the first stage
	stages []instructions.Stage
	after  []values // of each stage that was read, at its end
	found  []Source // in the current stage
	all    []Source
	bad    bool // something cannot be expanded
}

// values are the variables whose values the Dockerfile decides.
type values map[string]string

// lookup remembers whether a variable was asked for that is not known.
type lookup struct {
	values
	unknown bool
}

// Get implements shell.EnvGetter.
func (l *lookup) Get(name string) (string, bool) {
	value, ok := l.values[name]
	l.unknown = l.unknown || !ok
	return value, ok
}

// Keys implements shell.EnvGetter.
func (l *lookup) Keys() []string { return nil }

// expand expands the variables of a word, and reports whether all are known.
func (r *reader) expand(word string, in values) (string, bool) {
	l := lookup{values: in}
	text, _, err := r.lex.ProcessWord(word, &l)
	if err != nil {
		r.bad = true
	}
	return text, err == nil && !l.unknown
}

// set gives a variable its value, which is not known where the word's is not.
func (r *reader) set(in values, name, word string) {
	value, known := r.expand(word, in)
	if in[name] = value; !known {
		delete(in, name)
	}
}

// declare gives arguments their defaults: no build here passes others.
func (r *reader) declare(in values, c instructions.ArgCommand) {
	for _, a := range c.Args {
		value, global := r.global[a.Key]
		switch {
		case platformArguments.MatchString(a.Key):
			delete(in, a.Key)
		case a.Value != nil:
			r.set(in, a.Key, *a.Value)
		case global:
			in[a.Key] = value
		}
	}
}

// stage reads a stage.
func (r *reader) stage(i int) {
	r.found = nil
	env := values{}
	if base := r.base(i); base >= 0 {
		for name, value := range r.after[base] {
			env[name] = value
		}
	}
	r.after[i] = env
	for _, command := range r.stages[i].Commands {
		switch c := command.(type) {
		case *instructions.ArgCommand:
			r.declare(env, *c)
		case *instructions.EnvCommand:
			before := make(values, len(env)) // one ENV's variables do not see each other
			for name, value := range env {
				before[name] = value
			}
			for _, v := range c.Env {
				value, known := r.expand(v.Value, before)
				if env[v.Key] = value; !known {
					delete(env, v.Key)
				}
			}
		case *instructions.CopyCommand:
			if c.From == "" {
				r.paths("COPY", c, c.SourcePaths, env, c.Parents)
			}
		case *instructions.AddCommand:
			r.paths("ADD", c, c.SourcePaths, env, false)
		case *instructions.RunCommand:
			r.mounts(c, env)
		}
	}
}

// paths notes what COPY or ADD takes. The wildcards of --parents are others.
func (r *reader) paths(name string, c instructions.Command, words []string, env values, parents bool) {
	for _, word := range words {
		text, known := r.expand(word, env)
		if known && remote.MatchString(text) || !known && remote.MatchString(word) {
			continue
		}
		s := source(name, c, word, text, known)
		if s.Pattern = hasWildcards(s.Path); s.Pattern && parents {
			s.Path = ""
		}
		r.found = append(r.found, s)
	}
}

// mounts notes what RUN mounts.
func (r *reader) mounts(c *instructions.RunCommand, env values) {
	known := true
	err := c.Expand(func(word string) (string, error) {
		text, ok := r.expand(word, env)
		known = known && ok
		return text, nil
	})
	if err != nil { // what is not known may be what it misses
		r.bad = r.bad || known
		return
	}
	for _, m := range instructions.GetMounts(c) {
		if m.Type == instructions.MountTypeBind && m.From == "" {
			r.found = append(r.found, source("RUN", c, m.Source, m.Source, known))
		}
	}
}

func source(name string, c instructions.Command, written, text string, known bool) Source {
	s := Source{Instruction: name, Line: c.Location()[0].Start.Line, Written: written}
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
