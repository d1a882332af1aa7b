// Package ghatest reads what a step leaves behind as GitHub's runner does; for
// the tests, which hold the action to it.
//
// The rules are those of actions/runner 2.336 on Linux:
// https://github.com/actions/runner/tree/main/src/Runner.Worker
package ghatest

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// What the runner takes of a step.
const (
	MaxAnnotation  = 4096    // characters, in UTF-16; it cuts the rest off
	MaxAnnotations = 10      // of a kind; the rest are in the log alone
	MaxSummary     = 1 << 20 // bytes; it drops a longer one whole
)

// Command is one that the runner obeys. The runner does not distinguish upper from
// lower case in names; here they are all in lower case.
type Command struct {
	Name       string
	Properties map[string]string
	Data       string
}

const stop = "stop-commands"

// registered are the names of the runner's commands. What has another one is
// text, unless it is the token that ends stop-commands.
var registered = []string{
	stop, "set-env", "set-output", "save-state", "add-mask", "add-path", "add-matcher", "remove-matcher",
	"debug", "warning", "error", "notice", "group", "endgroup", "echo",
}

// Commands returns what the runner obeys in a log, in order. Stop-commands and
// its token are not in it, nor is what stands between them.
func Commands(log string) (commands []Command) {
	token := "" // while stopped
	known := func(name string) bool { return slices.Contains(registered, name) || token != "" && name == token }
	log = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(log)
	for line := range strings.SplitSeq(log, "\n") {
		c, ok := parse(line, known)
		if !ok {
			c, ok = parseLegacy(line, known)
		}
		switch {
		case !ok:
		case token != "":
			if c.Name == token {
				token = ""
			}
		case c.Name == stop:
			// The runner refuses a token that others can come by, and continues.
			if t := fold(c.Data); !known(t) && t != "pause-logging" {
				token = t
			}
		default:
			commands = append(commands, c)
		}
	}
	return commands
}

var (
	unescapeData     = strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%")
	unescapeProperty = strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
	unescapeLegacy   = strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3B", ";", "%5D", "]", "%25", "%")
)

// parse reads ::name key=value,key=value::data, after any white space.
func parse(line string, known func(string) bool) (Command, bool) {
	rest, ok := strings.CutPrefix(strings.TrimLeftFunc(line, unicode.IsSpace), "::")
	head, data, closed := strings.Cut(rest, "::")
	name, list, _ := strings.Cut(head, " ")
	name = fold(name)
	if !ok || !closed || !known(name) {
		return Command{}, false
	}
	return Command{name, properties(strings.TrimSpace(list), ",", unescapeProperty), unescapeData.Replace(data)}, true
}

// parseLegacy reads ##[name key=value;key=value]data, anywhere in a line.
func parseLegacy(line string, known func(string) bool) (Command, bool) {
	_, rest, ok := strings.Cut(line, "##[")
	head, data, closed := strings.Cut(rest, "]")
	name, list, _ := strings.Cut(head, " ")
	name = fold(name)
	if !ok || !closed || !known(name) {
		return Command{}, false
	}
	return Command{name, properties(list, ";", unescapeLegacy), unescapeLegacy.Replace(data)}, true
}

// properties reads a list of them. The runner leaves out the pairs that lack
// either side, and any = at the beginning of either.
func properties(list, separator string, unescape *strings.Replacer) map[string]string {
	read := map[string]string{}
	for pair := range strings.SplitSeq(list, separator) {
		key, value, _ := strings.Cut(strings.TrimLeft(pair, "="), "=")
		if value = strings.TrimLeft(value, "="); value != "" {
			read[fold(key)] = unescape.Replace(value)
		}
	}
	return read
}

// fold makes names alike that differ in case alone. Letters that fold to ASCII
// without being its capitals, such as the Kelvin sign, stay what they are.
func fold(name string) string {
	return strings.Map(func(c rune) rune {
		if lower := unicode.ToLower(c); unicode.ToUpper(lower) == c {
			return lower
		}
		return c
	}, name)
}

// Outputs reads the text of a GITHUB_OUTPUT file: NAME=VALUE, or NAME<<END,
// lines, END; whichever of = and << comes first in a line decides. Of two
// values the last stays. An error fails the step, whatever its exit code.
func Outputs(file string) (map[string]string, error) {
	values := map[string]string{}
	lines := strings.Split(file, "\n")
	for i := 0; i < len(lines); i++ {
		equals, heredoc := strings.Index(lines[i], "="), strings.Index(lines[i], "<<")
		switch {
		case lines[i] == "":
		case equals > 0 && (heredoc < 0 || equals < heredoc):
			values[lines[i][:equals]] = lines[i][equals+1:]
		case heredoc > 0 && (equals < 0 || heredoc < equals) && lines[i][heredoc+2:] != "":
			name, end := lines[i][:heredoc], lines[i][heredoc+2:]
			n := slices.Index(lines[i+1:], end)
			if n < 0 {
				return nil, fmt.Errorf("%s has no end %q", name, end)
			}
			values[name] = strings.Join(lines[i+1:i+1+n], "\n")
			i += n + 1
		default:
			return nil, fmt.Errorf("malformed line %q", lines[i])
		}
	}
	return values, nil
}
