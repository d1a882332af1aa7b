package diagnosis

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"pipecat-cloud-deploy/internal/untrusted"
	"pipecat-cloud-deploy/internal/verdict"
)

// FuzzDiagnose changes texts and the workspace's bot.py.
func FuzzDiagnose(f *testing.F) {
	for _, archive := range archives(f) {
		var text, bot string
		for _, file := range archive.Files {
			switch {
			case file.Name == "crash":
				text = string(file.Data)
			case strings.HasSuffix(file.Name, ".py"), file.Name == "Dockerfile", file.Name == "requirements.txt":
				bot = string(file.Data)
			}
		}
		f.Add(text, bot, 1)
	}
	f.Fuzz(func(t *testing.T, text, bot string, exit int) {
		check(t, crash{Text: text, ExitCode: &exit, Reason: verdict.Crash}.facts(), fstest.MapFS{
			"server/bot.py":         {Data: []byte(bot)},
			"server/services/a.py":  {Data: []byte(bot)},
			"other/services/b.py":   {Data: []byte(bot)},
			"link/bot.py":           {Data: []byte(bot), Mode: fs.ModeSymlink},
			"site-packages/bot.py":  {Data: []byte(bot)},
			"another/venv/ä bot.py": {Data: []byte(bot)},
		})
		check(t, crash{Text: text, Reason: verdict.Build}.facts(), fstest.MapFS{"bot.py": {Data: []byte(bot)}, "Dockerfile": {Data: []byte(bot)}, "requirements.txt": {Data: []byte(bot)}})
		check(t, crash{Text: text, Reason: verdict.Refused}.facts(), nil)
	})
}

// check holds a diagnosis to what is true of every one.
func check(t *testing.T, facts Facts, workspace fs.FS) {
	t.Helper()
	hung := time.AfterFunc(5*time.Minute, func() { panic(fmt.Sprintf("%d bytes take more than five minutes", len(textOfAll(facts)))) })
	d := Diagnose(facts, workspace)
	hung.Stop()
	if len(d.Cause) > maxShown || strings.ContainsAny(d.Cause, "\r\n\x1b") || !utf8.ValidString(d.Cause) {
		t.Errorf("cause %q", d.Cause)
	}
	if len(d.Type) < 400 && !strings.Contains(d.Cause, d.Type) || strings.ContainsAny(d.Type, " .:\n") {
		t.Errorf("type %q of cause %q", d.Type, d.Cause)
	}
	if strings.ContainsAny(d.Hint, "\r\n{}") || d.Hint != "" && !strings.HasSuffix(d.Hint, ".") {
		t.Errorf("hint %q", d.Hint)
	}
	if d.Place == nil {
		return
	}
	info, err := fs.Stat(workspace, d.Place.File)
	if err != nil || !info.Mode().IsRegular() {
		t.Fatalf("place %+v: %v", d.Place, err)
	}
	lines := readSource(workspace, d.Place.File)
	if d.Place.Line < 1 || d.Place.Line > len(lines) {
		t.Fatalf("place %+v of %d lines", d.Place, len(lines))
	}
	says := strings.TrimSpace(lines[d.Place.Line-1])
	if says == "" || !strings.Contains(flat(textOfAll(facts)), strings.TrimSpace(flatLine(says))) {
		t.Errorf("line %q is not of the text", says)
	}
	seen := false
	for i, l := range d.Place.Around {
		seen = seen || l.Number == d.Place.Line
		if i > 0 && l.Number != d.Place.Around[i-1].Number+1 || len(l.Text) > maxShown || strings.ContainsAny(l.Text, "\r\n") {
			t.Errorf("around %+v", d.Place.Around)
		}
	}
	if !seen && d.Place.Around != nil {
		t.Errorf("line %d is not in %+v", d.Place.Line, d.Place.Around)
	}
}

// flatLine is flat for a line of a file.
func flatLine(s string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("│", "", `\`, "").Replace(strings.ToValidUTF8(s, "\uFFFD"))), " ")
}

// flat is a text as Diagnose reads it, on one line: without what rich draws in it,
// escapes of structured logs, and the ends of lines that go on.
func flat(s string) string {
	var b strings.Builder
	for _, l := range split(s) {
		b.WriteString(l.text + " " + l.message + " ")
	}
	s = untrusted.StripEscapes(strings.ToValidUTF8(s, "\uFFFD")) + " " + b.String()
	return strings.Join(strings.Fields(strings.NewReplacer("│", "", `\`, "").Replace(s)), " ")
}

// TestLongText holds that the time is in proportion to the text's length, whatever
// the text is: one that takes the square of it does not end within a minute.
func TestLongText(t *testing.T) {
	const size = maxText * 5 / 4
	for _, part := range []string{
		"x", "\n", " ", "\r", "\x1b[", "\x1b]", "\xff", "…", "| ", "+-", "│", "\"", ":",
		"Traceback (most recent call last):", "Traceback (most recent call last):\n", "  File \"/app/bot.py\", line 1, in x\n",
		"  File \"/app/bot.py\", line 1, in x\n    x = 1\n", "KeyError: 'x'\n", "KeyError:\na\n", "A: b\n  File \"a\", line 1\nB: c\n", "A.B: c\n",
		"  +-+---------------- 1 ----------------\n    | ValueError: x\n", "    +---------------- 2 ----------------\n    | ValueError: x\n",
		"│ /app/bot.py:1 in x │\n│ ❱ 1 x = 1 │\n", "[… cut out …]\n", "ERROR: x\n", "2025-11-03 09:14:02.511 | INFO | a:b:1 - x\n",
		"\n\n\n    x\n", "During handling of the above exception\n",
	} {
		t.Run(fmt.Sprintf("crash %q", part), func(t *testing.T) {
			t.Parallel()
			text := strings.Repeat(part, size/len(part)) + "\nKeyError: 'x'\n"
			check(t, crash{Text: text}.facts(), fstest.MapFS{"bot.py": {Data: []byte(strings.Repeat("x = 1\n", 1000))}})
		})
	}
	for _, part := range []string{
		"x", "\n", " x\n", "a-", "/a:b", "#5 2.8 x\n", "#5 ERROR: x\n", "[Container] x\n", " > [1/2] x:\n2.8 y\n------\n", "  ╰─▶ x\n      y\n", "       y\n",
		"process \"", "failed to solve: ", "404: not found",
	} {
		t.Run(fmt.Sprintf("build %q", part), func(t *testing.T) {
			t.Parallel()
			check(t, crash{Text: "  ╰─▶ z\n" + strings.Repeat(part, size/len(part)), Reason: verdict.Build}.facts(), nil)
		})
	}
	var nested strings.Builder // groups in groups
	for i := range 700 {
		nested.WriteString(strings.Repeat(" ", 2*i) + "  +-+---------------- 1 ----------------\n" + strings.Repeat(" ", 2*i) + "    | ExceptionGroup: x\n")
	}
	check(t, crash{Text: nested.String()}.facts(), nil)
}
