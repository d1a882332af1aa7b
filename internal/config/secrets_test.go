package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/gha"

	"pipecat-cloud-deploy/internal/pipecat"
)

// TestReadSecrets holds that values are read as python-dotenv 1.2 reads them without
// interpolation. The rows are what it was found to read, but for a \\ in single quotes,
// which stays as it is.
func TestReadSecrets(t *testing.T) {
	for text, want := range map[string]string{
		`A=b`: "b", `A="b"`: "b", `A='b'`: "b", `export A=b`: "b", "export\tA=b": "b", `A = b`: "b", "  A=b  ": "b", "A=b\r": "b",
		`A=b # c`: "b", `A=b # c # d`: "b", "A=b\t# c": "b", "A=b\t#c#d \" '": "b", `A=b#c`: "b#c", `A=#b`: "#b", `A="b # c" # d`: "b # c", `A="b"#c`: "b",
		`A=pa$word`: "pa$word", `A="pa$word"`: "pa$word", `A='pa$word'`: "pa$word", `A="pa\$word"`: `pa\$word`, `A="${B}$C"`: "${B}$C", `A=$$`: "$$", `A=$(x)`: "$(x)",
		`A=pa\word`: `pa\word`, `A="pa\\"`: `pa\`, `A="it\'s \\'"`: `it's \'`, `A="\a\b\f\v\z"`: "\a\b\f\v\\z", `A='\a\b'`: `\a\b`, `A="say \"hi\""`: `say "hi"`, `A='it\'s'`: "it's", `A='a\\b'`: `a\\b`, `A="a\tb"`: "a\tb", `A="a\qb"`: `a\qb`,
		`A="a\nb"`: "a\nb", `A='a\nb'`: `a\nb`, `A=a\nb`: `a\nb`, `A=\"b\"`: `\"b\"`,
		"A=\"l1\nl2\"": "l1\nl2", "A='l1\nl2'": "l1\nl2", "A=\"l1  \n\n  l2\n\"": "l1  \n\n  l2\n", "A=\"l1\r\nl2\"": "l1\nl2",
		`A={"a": "b"}`: `{"a": "b"}`, `A='{"a": "b"}'`: `{"a": "b"}`, "A='{\n  \"a\": \"it\\'s\"\n}'": "{\n  \"a\": \"it's\"\n}",
		`A=b c`: "b c", `A=a=b==`: "a=b==", `A='"b"'`: `"b"`, `A="'b'"`: `'b'`, "A=`b`": "`b`", `A=b"c`: `b"c`, `A="é"`: "é", "A=\"\ue000$\"": "\ue000$",
		"A=\"{\n\\\"a\\\":\n1}\"": "{\n\"a\":\n1}", "A=\"a\nb\\\\\"": "a\nb\\", "A=\"-----BEGIN\nx#y $z\nzz==\n-----END\"": "-----BEGIN\nx#y $z\nzz==\n-----END", "A=postgres://u:p@h/d?a=b": "postgres://u:p@h/d?a=b",
	} {
		text = "# a comment\n\n" + text + "\nB=1"
		read := readSecrets(text)
		if names := read.names(func(statement) bool { return true }); read.problems != nil || names != "A, B" || read.statements[0].value != want {
			t.Errorf("%q is %q of %s, %q; want %q", text, read.statements[0].value, names, read.problems, want)
		}
	}
}

func TestSecretProblems(t *testing.T) {
	for text, want := range map[string][]string{
		"A=":                                {"line 1: A is empty; is the secret set in the repository, or in the environment of the job?"},
		"A= # hunter2":                      {"line 1: A is empty"},
		"A=1\nB=''\nC=\"\"":                 {"line 2: B is empty", "line 3: C is empty"},
		"A=\nB":                             {"line 1 is empty", "line 2 is not NAME=value"},
		"A=1\nB=2\nA=3\nA=4":                {"line 3: A is set on line 1 already; keep one of the two", "line 4: A is set on line 1 already"},
		"=hunter2":                          {"line 1 has no name before the ="},
		"my.key=hunter2\nA=":                {"line 1 has a name with a character other than A-Z, a-z, 0-9, _ and -", "line 2 is empty"},
		strings.Repeat("A", 65) + "=x":      {"line 1 has a name of 65 characters; at most 64 are allowed"},
		"hunter2-keys":                      {"it is one word, not NAME=value lines; the name of a secret set belongs into secret-set"},
		"KEY: hunter2":                      {"line 1 has a colon after its name; write NAME=value"},
		"A=1\nKEY: hunter2=":                {"line 2 has a colon after its name"},
		"{\n\"A\": \"hunter2\"\n}":          {"it is not NAME=value lines, but begins like JSON; write each secret on a line"},
		"A='x'\nhunter:2":                   {"line 2 is not NAME=value; put"},
		"A=1\n\n# x\nA=\"hunter2\nhunter3":  {"line 4 has a quote that is not closed"},
		"A=\"hunter2\" hunter3\nB=1":        {"line 1 has a quote inside of a quoted value, or text after it"},
		"A=\"{\"a\": \"hunter2\"}\"\nB=1":   {"line 1 has a quote inside of a quoted value, or text after it"},
		"A='it's hunter2'\nB=1":             {"line 1 has a quote inside of a quoted value, or text after it"},
		"A=\"x\n{\"a\": \"hunter2\"}\"\nB=": {"line 1 has a quote inside of a quoted value, or text after it", "line 3 is empty"},
		"A=\"hunter2\nx\" hunter3\nA=1":     {"line 1 has a quote inside of a quoted value, or text after it"},
		"K=-----BEGIN\nhunter2=\n-----END":  {"line 2 is empty", "line 3 is not NAME=value; put a value of several lines in quotes"},
		"# nothing":                         {"it has no line with NAME=value"},
	} {
		_, err := Load(nil, env("secrets", text, "secret-set", "keys"))
		problems, _ := err.(Problems)
		for i, w := range want {
			if len(problems) != len(want) || problems[i].Input != "secrets" || !strings.HasPrefix(problems[i].Text, w) {
				t.Errorf("%q: %q, want %q", text, problems, want)
				break
			}
		}
		if strings.Contains(fmt.Sprint(problems), "hunter") {
			t.Errorf("%q: %q shows a value", text, problems)
		}
	}
}

func TestSecrets(t *testing.T) {
	c, err := Load(nil, env("secrets", "A=1\nLONG_ONE='a b\nc'", "secret-set", "keys"))
	if want := []pipecat.SecretValue{{Key: "A", Value: "1"}, {Key: "LONG_ONE", Value: "a b\nc"}}; err != nil || !reflect.DeepEqual(c.Secrets, want) || !c.ForceRedeploy {
		t.Errorf("%#v, %v, forced %v", c.Secrets, err, c.ForceRedeploy)
	}
	if shown := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(shown, "a b") {
		t.Errorf("%s shows a value", shown)
	}
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].Text, "does not mask A: ") {
		t.Errorf("warnings %q", c.Warnings)
	}
	c, err = Load(nil, env("PIPECAT_CLOUD_SECRETS", "A=b-${OTHER}\nB=a$2y$10$x", "secret-set", "keys"))
	if err != nil || len(c.Warnings) != 1 || !strings.HasPrefix(c.Warnings[0].Text, "A has a ${…} in its value, which is stored as written") {
		t.Errorf("%v, warnings %q", err, c.Warnings)
	}
	if _, err := Load(nil, env("secrets", "A=1")); err == nil || err.Error() != "secrets: secret-set is not set; name the secret set that they go into" {
		t.Errorf("without secret-set: %v", err)
	}
	if c, err := Load(nil, env("secret-set", "keys")); err != nil || c.Secrets != nil || c.ForceRedeploy {
		t.Errorf("without secrets: %v, %v, forced %v", c.Secrets, err, c.ForceRedeploy)
	}
	if _, err := Load([]string{"-secrets", "A=hunter2"}, env()); err == nil || !strings.Contains(err.Error(), "set PIPECAT_CLOUD_SECRETS") || strings.Contains(err.Error(), "hunter") {
		t.Errorf("a flag: %v", err)
	}
}

func TestMasked(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                       nil,
		"A=1\nB=abc\nC=abcd":                     {"abcd"},
		"A=\"line one\n  line two  \n}\nabc\n\"": {"line one", "line two"},
		"A=same-value\nB=same-value":             {"same-value"},
		"A=päss":                                 {"päss"},
		"A='b c d' # comment":                    {"b c d"},
		"KEY: hunter2":                           {"KEY: hunter2", "hunter2"},
		"{\n  \"A\": \"hunter2\",\n}":            {"\"A\": \"hunter2\",", "hunter2"},
		"A=\"hunter2\nx":                         {"A=\"hunter2", "hunter2"},
		"K=-----BEGIN\nhunter2=\n-----END":       {"-----BEGIN", "K=-----BEGIN", "hunter2=", "-----END"},
	} {
		if got := Masked(env("secrets", text)); !slices.Equal(got, append([]string{"sk_key"}, want...)) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// FuzzSecrets holds that no problem with secrets shows more of them than names, and
// none where these may be parts of values; and that each value's lines are masked.
func FuzzSecrets(f *testing.F) {
	for _, text := range []string{"A=b\nA='c", "A", "=", "A=\"x\ny\"z", "a$b=$c\r\n", "\ue000='$\ue000'"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		read := readSecrets(text)
		for _, p := range read.problems {
			named := false
			for _, s := range read.statements {
				named = named || strings.HasPrefix(strings.TrimLeft(p, "line 0123456789"), ": "+s.name+" ")
			}
			if strings.Contains(p, ": ") && (read.malformed || !named) {
				t.Errorf("%q: %q", text, p)
			}
		}
		masked := Masked(gha.Env{secretsVariable: text})
		for _, s := range readSecrets(strings.TrimSpace(text)).statements {
			for line := range strings.Lines(s.value) {
				if line = strings.TrimSpace(line); len([]rune(line)) >= minMasked && !slices.Contains(masked, line) {
					t.Errorf("%q: %q is not masked", text, line)
				}
			}
		}
	})
}
