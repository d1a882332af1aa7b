package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/compose-spec/compose-go/v2/dotenv"

	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/pipecat"
)

const (
	secretsVariable = "PIPECAT_CLOUD_SECRETS"
	maxSecretName   = 64

	// minMasked is how many characters a line must have to be masked: "1" or "{"
	// would make the log unreadable. Google's get-secretmanager-secrets has the same
	// limit.
	minMasked = 4
)

var (
	secretName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`) // the reference's
	variable   = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`)
	comment    = regexp.MustCompile(`\s+#.*`)
	exported   = regexp.MustCompile(`^export\s+`)
	asYAML     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*:(?:\s|$)`)
)

// secretsText is the text of the input secrets, or by hand of a variable.
func secretsText(env gha.Env) string {
	text := env.Input("secrets")
	if text == "" {
		text = strings.TrimSpace(env.Get(secretsVariable))
	}
	return strings.TrimPrefix(text, "\ufeff")
}

// Masked are the texts that nothing may show: the key, and each line of each secret.
// Where the secrets cannot be read, every line of them is one.
func Masked(env gha.Env) []string {
	masked := []string{string(Key(env))}
	if key := publicKey(env); key != "" {
		masked = append(masked, string(key))
	}
	add := func(text string) {
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			if len([]rune(line)) >= minMasked && !slices.Contains(masked, line) {
				masked = append(masked, line)
			}
		}
	}
	text := secretsText(env)
	read := readSecrets(text)
	for _, s := range read.statements {
		add(s.value)
	}
	if read.malformed {
		for line := range strings.Lines(text) {
			add(line)
			for _, sign := range []string{"=", ":"} { // of YAML, and of JSON
				_, value, _ := strings.Cut(line, sign)
				add(strings.Trim(strings.TrimSpace(value), `"',{}`))
			}
		}
	}
	return masked
}

// setSecrets reads the input secrets into c. Its problems and warnings have no value
// in them, and no part of one.
func (c *Config) setSecrets(text string, given map[string]value) (problems Problems) {
	if text == "" {
		return nil
	}
	wrong := func(format string, args ...any) {
		problems = append(problems, Problem{Input: "secrets", Text: fmt.Sprintf(format, args...)})
	}
	if setPattern.MatchString(text) {
		wrong("it is one word, not NAME=value lines; the name of a secret set belongs into secret-set")
		return problems
	}
	if _, ok := given["secret-set"]; !ok {
		wrong("secret-set is not set; name the secret set that they go into")
	}
	read := readSecrets(text)
	for _, problem := range read.problems {
		wrong("%s", problem)
	}
	if len(read.statements)+len(read.problems) == 0 {
		wrong("it has no line with NAME=value")
	}
	for _, s := range read.statements {
		c.Secrets = append(c.Secrets, pipecat.SecretValue{Key: s.name, Value: s.value})
	}
	if problems != nil {
		return problems
	}
	c.ForceRedeploy = true // new values reach an agent by a new deployment alone, and nothing shows whether they are new
	if names := read.names(func(s statement) bool { return len([]rune(s.value)) < minMasked }); names != "" {
		c.Warnings = append(c.Warnings, Problem{Input: "secrets", Text: fmt.Sprintf("the log does not mask %s: masking a value of fewer than %d characters would make it unreadable", names, minMasked)})
	}
	if names := read.names(func(s statement) bool { return variable.MatchString(s.value) }); names != "" {
		c.Warnings = append(c.Warnings, Problem{Input: "secrets", Text: fmt.Sprintf("%s has a ${…} in its value, which is stored as written: variables are not replaced", names)})
	}
	return nil
}

// statement is one NAME=value of the secrets.
type statement struct {
	name, value string
	line        int
}

// statements are what the secrets say.
type statements struct {
	statements []statement
	problems   []string
	// malformed says that a line is not NAME=value. Such a line is likely the middle of
	// a value that lacks quotes, and so may be the name that others seem to have.
	malformed bool
}

// names lists the names of the statements that a condition selects.
func (s statements) names(selects func(statement) bool) string {
	var names []string
	for _, one := range s.statements {
		if selects(one) {
			names = append(names, one.name)
		}
	}
	return strings.Join(names, ", ")
}

// readSecrets reads lines as python-dotenv does, with which agents read their own
// .env, but replaces no variables: a $ in a password stays one.
func readSecrets(text string) (read statements) {
	type problem struct {
		line int
		name string // that the text is about; "" for none
		text string
	}
	var found []problem
	malformed := func(line int, text string) {
		read.malformed = true
		found = append(found, problem{line, "", text})
	}
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		return statements{problems: []string{"it is not NAME=value lines, but begins like JSON; write each secret on a line, such as NAME='${{ secrets.NAME }}'"}, malformed: true}
	}
	dollar := unused(text)
	lines := strings.Split(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "$", dollar), "\n")
	first := map[string]int{} // the line of each name
	for i, used := 0, 0; i < len(lines); i += used {
		used = 1
		line := strings.TrimLeftFunc(lines[i], unicode.IsSpace)
		if line == "" || line[0] == '#' {
			continue
		}
		name, rest, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(exported.ReplaceAllString(name, ""))
		if asYAML.MatchString(line) {
			malformed(i+1, "has a colon after its name; write NAME=value")
			continue
		}
		if !ok {
			malformed(i+1, "is not NAME=value; put a value of several lines in quotes")
			continue
		}
		if problem := checkName(name); problem != "" {
			malformed(i+1, problem)
		}
		var value string
		var err error
		text := strings.TrimLeftFunc(rest, unicode.IsSpace)
		if len(text) < len(rest) && strings.HasPrefix(text, "#") { // a comment on no value
			text = ""
		}
		if value, used, err = readValue(text, lines[i+1:]); err != nil {
			malformed(i+1, err.Error())
			continue
		}
		value = strings.ReplaceAll(value, dollar, "$")
		switch before, again := first[name]; {
		case value == "":
			found = append(found, problem{i + 1, name, "is empty; is the secret set in the repository, or in the environment of the job?"})
		case again:
			found = append(found, problem{i + 1, name, fmt.Sprintf("is set on line %d already; keep one of the two", before)})
		}
		if _, again := first[name]; !again {
			first[name] = i + 1
		}
		read.statements = append(read.statements, statement{name, value, i + 1})
	}
	for _, p := range found {
		where := fmt.Sprintf("line %d", p.line)
		if p.name != "" && !read.malformed {
			where += ": " + p.name
		}
		read.problems = append(read.problems, where+" "+p.text)
	}
	return read
}

// unused is a character that a text does not have.
func unused(text string) string {
	c := '\ue000'
	for strings.ContainsRune(text, c) {
		c++
	}
	return string(c)
}

// checkName says what is wrong with a name; "" when nothing is. It does not show it:
// what is no name may be a part of a value.
func checkName(name string) string {
	switch {
	case name == "":
		return "has no name before the ="
	case !secretName.MatchString(name):
		return "has a name with a character other than A-Z, a-z, 0-9, _ and -"
	case len(name) > maxSecretName:
		return fmt.Sprintf("has a name of %d characters; at most %d are allowed", len(name), maxSecretName)
	}
	return ""
}

var (
	errOpenQuote = errors.New("has a quote that is not closed")
	errAfter     = errors.New("has a quote inside of a quoted value, or text after it; write the quote as \\\", or put the value in '…'")
)

// doubleQuoted decodes the escapes in double quotes that the library leaves as they are.
var doubleQuoted = strings.NewReplacer(`\\`, `\\`, `\'`, "'", `\a`, "\a", `\b`, "\b", `\f`, "\f", `\v`, "\v")

// readValue reads the value that begins with a text, and with the following lines
// where that opens a quote. It returns how many lines it has. The library's errors
// are not used, because they have the value in them.
func readValue(text string, following []string) (value string, lines int, err error) {
	escapes := strings.NewReplacer()
	switch {
	case strings.HasPrefix(text, `"`):
		escapes = doubleQuoted
	case !strings.HasPrefix(text, "'"):
		text = comment.ReplaceAllString(text, "") // the library wants a space before it
	}
	read := func(text string) (string, bool, error) {
		const name = "a-name.that-no_value-begins-with"
		all, err := dotenv.UnmarshalWithLookup(name+"="+escapes.Replace(text), nil)
		if len(all) > 1 {
			err = errAfter
		}
		return all[name], err == nil, err
	}
	value, ok, err := read(text)
	if ok || errors.Is(err, errAfter) {
		return value, 1, err
	}
	quote := text[:1] // without one nothing fails
	closes := func(line string) bool { return strings.Count(line, quote) > strings.Count(line, `\`+quote) }
	if closes(text[1:]) {
		return "", 1, errAfter
	}
	for i, line := range following {
		text += "\n" + line
		if !strings.Contains(line, quote) {
			continue
		}
		value, ok, err = read(text)
		switch {
		case ok:
			return value, i + 2, nil
		case errors.Is(err, errAfter), closes(line):
			return "", i + 2, errAfter
		}
	}
	return "", 1 + len(following), errOpenQuote
}
