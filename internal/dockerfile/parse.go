package dockerfile

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// stage is a stage of a build.
type stage struct {
	base, name   string
	instructions []instruction
	triggers     []trigger
}

// trigger is what ONBUILD has for the stages that begin with its own. One that is not
// understood matters only to these.
type trigger struct {
	instructions []instruction // one, or none where it is bad
	bad          bool
}

// instruction is one that sets variables or takes files.
type instruction struct {
	name      string     // in capitals
	line      int        // where it begins
	variables []variable // of ARG and ENV
	sources   []string   // of COPY and ADD, without heredocs
	from      string     // of COPY
	parents   bool       // of COPY
	mounts    []mount    // of RUN
}

// variable is what ARG or ENV has of one.
type variable struct {
	name, value string
	set         bool // it has a value
}

// kind is a flag's: what it may have after it.
type kind int

const (
	once  kind = iota
	often      // in several flags
	yesOrNo
)

// flags are those of each instruction there is.
var flags = map[string]map[string]kind{
	"ADD":         {"chown": once, "chmod": once, "checksum": once, "exclude": often, "link": yesOrNo, "keep-git-dir": yesOrNo, "unpack": yesOrNo},
	"ARG":         nil,
	"CMD":         nil,
	"COPY":        {"from": once, "chown": once, "chmod": once, "exclude": often, "link": yesOrNo, "parents": yesOrNo},
	"ENTRYPOINT":  nil,
	"ENV":         nil,
	"EXPOSE":      nil,
	"FROM":        {"platform": once},
	"HEALTHCHECK": {"interval": once, "timeout": once, "start-period": once, "start-interval": once, "retries": once},
	"LABEL":       nil,
	"MAINTAINER":  nil,
	"ONBUILD":     nil,
	"RUN":         {"mount": often, "device": often, "network": once, "security": once},
	"SHELL":       nil,
	"STOPSIGNAL":  nil,
	"USER":        nil,
	"VOLUME":      nil,
	"WORKDIR":     nil,
}

// parser takes a Dockerfile apart.
type parser struct {
	*lines
	arguments []variable // before the first stage
	stages    []stage
}

// parse takes a Dockerfile apart; the parser is bad where it does not understand it.
func parse(text []byte) *parser {
	p := parser{lines: newLines(text)}
	for !p.bad {
		line, number, ok := p.next()
		if !ok {
			break
		}
		p.instruction(line, number)
	}
	p.bad = p.bad || len(p.stages) == 0
	return &p
}

func (p *parser) instruction(line string, number int) {
	i := instruction{line: number}
	name, set, rest := p.head(line)
	list, isList := p.list(name, rest)
	heredocs := 0
	if !isList && mayHaveHeredocs(name) {
		heredocs = p.skipHeredocs(line)
	}
	switch i.name = name; name {
	case "FROM":
		p.from(rest)
		return
	case "ARG":
		i.variables = p.pairs(rest, true)
		if len(p.stages) == 0 {
			p.arguments = append(p.arguments, i.variables...)
			return
		}
	case "ENV":
		i.variables = p.pairs(rest, false)
	case "COPY", "ADD":
		if !isList {
			list = strings.Fields(rest)
		}
		i.sources = p.sources(list, heredocs)
		if at := slices.IndexFunc(i.sources, func(word string) bool { return strings.HasPrefix(word, "#") }); at >= 0 && !isList {
			i.sources = i.sources[:at+1] // the rest are words of what was meant for a comment
		}
		i.from, i.parents = one(set["from"]), strings.EqualFold(one(set["parents"]), "true")
		p.bad = p.bad || strings.Contains(i.from, "$")
	case "RUN":
		for _, value := range set["mount"] {
			i.mounts = append(i.mounts, p.mount(value))
		}
	case "ONBUILD":
		p.trigger(rest, number)
	case "SHELL":
		p.bad = p.bad || !isList || len(list) == 0
	}
	if p.bad = p.bad || len(p.stages) == 0 || rest == "" && name != "CMD" && name != "ENTRYPOINT"; p.bad {
		return
	}
	last := &p.stages[len(p.stages)-1]
	last.instructions = append(last.instructions, i)
}

func mayHaveHeredocs(name string) bool { return name == "RUN" || name == "COPY" || name == "ADD" }

// one is the value of a flag that is there once or not at all.
func one(values []string) string { return strings.Join(values, "") }

// head takes an instruction's name and flags off.
func (p *parser) head(line string) (name string, set map[string][]string, rest string) {
	name, rest = cut(line)
	name = strings.ToUpper(name)
	known, ok := flags[name]
	p.bad = p.bad || !ok
	set = map[string][]string{}
	for strings.HasPrefix(rest, "--") {
		flag := wholeFlag.FindString(rest)
		after := strings.TrimLeft(rest[len(flag):], " \t")
		p.bad = p.bad || after != "" && after == rest[len(flag):] // a quote without end
		rest = after
		if flag = quotes.ReplaceAllString(flag, "$1$2"); flag == "--" || p.bad {
			break
		}
		key, value, hasValue := strings.Cut(strings.TrimPrefix(flag, "--"), "=")
		kind, ok := known[key]
		switch {
		case !ok || set[key] != nil && kind != often || strings.ContainsFunc(flag, p.needsCare):
			p.bad = true
		case kind == yesOrNo && !hasValue:
			value = "true"
		case kind == yesOrNo:
			p.bad = p.bad || !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false")
		default:
			p.bad = p.bad || !hasValue
		}
		set[key] = append(set[key], value)
	}
	return name, set, rest
}

var (
	wholeFlag = regexp.MustCompile(`^(?:[^ \t'"]|'[^']*'|"[^"]*")+`)
	quotes    = regexp.MustCompile(`'([^']*)'|"([^"]*)"`)
)

// needsCare reports whether a character in a flag may be more than itself, but for
// the quotes around it.
func (p *parser) needsCare(c rune) bool {
	return c == '\'' || c == '"' || c == p.escape || c > '~'
}

// cut cuts a text after its first word.
func cut(text string) (word, rest string) {
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		return text[:i], strings.TrimLeft(text[i:], " \t")
	}
	return text, ""
}

// list reads the form of an instruction in JSON. What looks like it and is none is
// for the shell.
func (p *parser) list(name, rest string) ([]string, bool) {
	switch name {
	case "ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME":
	default:
		return nil, false
	}
	var all []any
	if !strings.HasPrefix(rest, "[") || json.Unmarshal([]byte(rest), &all) != nil {
		return nil, false
	}
	var words []string
	for _, one := range all {
		word, ok := one.(string)
		p.bad = p.bad || !ok || strange(word)
		words = append(words, word)
	}
	return words, true
}

var stageName = regexp.MustCompile(`^[a-z][a-z0-9_.-]*$`)

func (p *parser) from(rest string) {
	words := strings.Fields(rest)
	switch {
	case len(words) == 1:
		p.stages = append(p.stages, stage{base: words[0]})
	case len(words) == 3 && strings.EqualFold(words[1], "as") && stageName.MatchString(strings.ToLower(words[2])):
		p.stages = append(p.stages, stage{base: words[0], name: words[2]})
	default:
		p.bad = true
	}
}

// variableName is one that is not expanded itself.
var variableName = regexp.MustCompile("^[^$'\"\\\\`]+$")

// pairs reads NAME=VALUE of ARG, where names may stand alone, and of ENV, which may
// be NAME VALUE instead.
func (p *parser) pairs(rest string, alone bool) []variable {
	words, ok := split(rest, p.escape)
	p.bad = p.bad || !ok || len(words) == 0
	if len(words) > 1 && !alone && !strings.Contains(words[0], "=") {
		name, value := cut(rest)
		p.bad = p.bad || !variableName.MatchString(name)
		return []variable{{name, value, true}}
	}
	var all []variable
	for _, word := range words {
		name, value, set := strings.Cut(word, "=")
		p.bad = p.bad || !set && !alone || !variableName.MatchString(name)
		all = append(all, variable{name, value, set})
	}
	return all
}

// sources are what COPY or ADD takes, from its words.
func (p *parser) sources(words []string, heredocs int) []string {
	if len(words) < 2 {
		p.bad = true
		return nil
	}
	var all []string
	for _, word := range words[:len(words)-1] {
		if heredoc.MatchString(word) {
			heredocs--
		} else {
			all = append(all, word)
		}
	}
	isText := func(word string) bool { return strings.Contains(word, "<<") }
	p.bad = p.bad || heredocs != 0 || isText(words[len(words)-1]) || slices.ContainsFunc(all, isText)
	return all
}

// trigger takes up what ONBUILD has for others. Its heredocs are not part of it to the
// builder, which then refuses it.
func (p *parser) trigger(rest string, number int) {
	name, _, argument := p.head(rest)
	if _, isList := p.list(name, argument); !isList && mayHaveHeredocs(name) {
		p.skipHeredocs(rest)
	}
	p.bad = p.bad || len(p.stages) == 0 || name == "ONBUILD" || name == "FROM" || name == "MAINTAINER"
	if p.bad {
		return
	}
	alone := parser{lines: &lines{escape: p.escape}, stages: []stage{{}}}
	alone.instruction(rest, number)
	last := &p.stages[len(p.stages)-1]
	last.triggers = append(last.triggers, trigger{alone.stages[0].instructions, alone.bad})
}
