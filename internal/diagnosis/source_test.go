package diagnosis

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"pipecat-cloud-deploy/internal/verdict"
)

const code = "import os\n\nopen(\"menu.json\")\n"

// text is a crash at a line of a file.
func text(file string, line int, in, says string) string {
	return fmt.Sprintf("Traceback (most recent call last):\n  File %q, line %d, in %s\n    %s\nOSError: gone\n", file, line, in, says)
}

func TestWorkspace(t *testing.T) {
	long := "X = \"" + strings.Repeat("x", 1<<20) + "\"\n"
	deep := strings.Repeat("d/", maxDepth+1) + "x.py"
	many := fstest.MapFS{"bot.py": {Data: []byte(code)}}
	for i := range maxEntries {
		many[fmt.Sprintf("data/%d.wav", i)] = &fstest.MapFile{}
	}
	const opens = `open("menu.json")`
	for _, tt := range []struct {
		name  string
		files fstest.MapFS
		text  string
		want  string
	}{
		{"plain", fstest.MapFS{"bot.py": {Data: []byte(code)}}, text("/app/bot.py", 3, "<module>", opens), "bot.py:3"},
		{"empty", fstest.MapFS{}, text("/app/bot.py", 3, "<module>", opens), ""},
		{"empty file", fstest.MapFS{"bot.py": {}}, text("/app/bot.py", 1, "<module>", opens), ""},
		{"line 0", fstest.MapFS{"bot.py": {Data: []byte("x = 1\n")}}, text("/app/bot.py", 0, "<module>", "x"), ""},
		{"line too far", fstest.MapFS{"bot.py": {Data: []byte(code)}}, text("/app/bot.py", 999999999, "<module>", opens), ""},
		{"CRLF", fstest.MapFS{"bot.py": {Data: []byte(strings.ReplaceAll(code, "\n", "\r\n"))}}, text("/app/bot.py", 3, "<module>", opens), "bot.py:3"},
		{"CR", fstest.MapFS{"bot.py": {Data: []byte(strings.ReplaceAll(code, "\n", "\r"))}}, text("/app/bot.py", 3, "<module>", opens), "bot.py:3"},
		{"byte order mark", fstest.MapFS{"bot.py": {Data: []byte("\ufeff" + code[11:])}}, text("/app/bot.py", 1, "<module>", opens), "bot.py:1"},
		{"Latin-1", fstest.MapFS{"bot.py": {Data: []byte("# coding: latin-1\nsay(\"Gr\xfc\xdfe\")\n")}}, text("/app/bot.py", 2, "<module>", `say("Grüße")`), "bot.py:2"},
		{"UTF-16", fstest.MapFS{"bot.py": {Data: []byte("\xff\xfeo\x00p\x00e\x00n\x00")}}, text("/app/bot.py", 1, "<module>", "open"), ""},
		{"binary", fstest.MapFS{"bot.py": {Data: []byte{0, 1, 2, 0xff}}}, text("/app/bot.py", 1, "<module>", opens), ""},
		{"a megabyte on a line", fstest.MapFS{"bot.py": {Data: []byte(long + opens + "\n")}}, text("/app/bot.py", 2, "<module>", opens), "bot.py:2"},
		{"the long line itself", fstest.MapFS{"bot.py": {Data: []byte(long)}}, text("/app/bot.py", 1, "<module>", strings.TrimSpace(long)), ""},
		{"a line too long to compare", fstest.MapFS{"bot.py": {Data: []byte("X = \"" + strings.Repeat("x", 2*maxLine) + "\"\n")}},
			text("/app/bot.py", 1, "<module>", "X = \""+strings.Repeat("x", 2*maxLine)+"\""), ""},
		{"too large", fstest.MapFS{"bot.py": {Data: []byte(code + strings.Repeat("#\n", maxSource))}}, text("/app/bot.py", 3, "<module>", opens), ""},
		{"too many files", many, text("/app/bot.py", 3, "<module>", opens), ""},
		{"too deep", fstest.MapFS{"bot.py": {Data: []byte(code)}, deep: {}}, text("/app/bot.py", 3, "<module>", opens), ""},
		{"a folder of that name", fstest.MapFS{"bot.py/x": {}}, text("/app/bot.py", 3, "<module>", opens), ""},
		{"moved too far", fstest.MapFS{"bot.py": {Data: []byte(strings.Repeat("\n", nearby+1) + code)}}, text("/app/bot.py", 3, "<module>", opens), ""},
		{"moved just so far", fstest.MapFS{"bot.py": {Data: []byte(strings.Repeat("\n", nearby) + code)}}, text("/app/bot.py", 3, "<module>", opens), "bot.py:53"},
		{"moved up", fstest.MapFS{"bot.py": {Data: []byte(code)}}, text("/app/bot.py", 53, "<module>", opens), "bot.py:3"},
		{"moved up too far", fstest.MapFS{"bot.py": {Data: []byte(code)}}, text("/app/bot.py", 54, "<module>", opens), ""},
		{"too little to look for", fstest.MapFS{"bot.py": {Data: []byte("\nmain()\n")}}, text("/app/bot.py", 1, "<module>", "main()"), ""},
		{"nothing to look for", fstest.MapFS{"bot.py": {Data: []byte("\n)))))))))\n")}}, text("/app/bot.py", 1, "<module>", ")))))))))"), ""},
		{"moved to a method", fstest.MapFS{"bot.py": {Data: []byte("\nclass A:\n    def go(\n        self,\n    ):\n        if True:\n# note\n            open(\"menu.json\")\n")}}, text("/app/bot.py", 3, "go", opens), "bot.py:8"},
		{"moved to another method", fstest.MapFS{"bot.py": {Data: []byte("\nclass A:\n    async def stay(self):\n        if True:\n            open(\"menu.json\")\n")}}, text("/app/bot.py", 3, "go", opens), ""},
		{"moved out of the function", fstest.MapFS{"bot.py": {Data: []byte("\n" + code)}}, text("/app/bot.py", 3, "go", opens), ""},
		{"moved into a function", fstest.MapFS{"bot.py": {Data: []byte("def f():\n  pass\n  " + opens)}}, text("/app/bot.py", 2, "<module>", opens), ""},
		{"moved to one of two", fstest.MapFS{"bot.py": {Data: []byte("\n" + opens + "\n\n" + opens + "\n")}}, text("/app/bot.py", 3, "<module>", opens), ""},
		{"moved in a lambda", fstest.MapFS{"bot.py": {Data: []byte("def f():\n  pass\n  " + opens)}}, text("/app/bot.py", 2, "<lambda>", opens), "bot.py:3"},
		{"the base image's", fstest.MapFS{"app.py": {Data: []byte("\n" + code)}}, text("/app/app.py", 3, "<module>", opens), ""},
		{"in the base image's place", fstest.MapFS{"app.py": {Data: []byte(code)}}, text("/app/app.py", 3, "<module>", opens), "app.py:3"},
		{"the standard library", fstest.MapFS{"json/decoder.py": {Data: []byte(code)}}, text("/usr/local/lib/python3.12/json/decoder.py", 3, "<module>", opens), ""},
		{"Debian's", fstest.MapFS{"six.py": {Data: []byte(code)}}, text("/usr/lib/python3/dist-packages/six.py", 3, "<module>", opens), ""},
		{"what is installed", fstest.MapFS{"pipecat/x.py": {Data: []byte(code)}}, text("/app/.venv/lib/python3.12/site-packages/pipecat/x.py", 3, "<module>", opens), ""},
		{"frozen", fstest.MapFS{"<frozen runpy>": {Data: []byte(code)}}, text("<frozen runpy>", 3, "<module>", opens), ""},
		{"a command", fstest.MapFS{"bin/uvicorn": {Data: []byte(code)}}, text("/usr/local/bin/uvicorn", 3, "<module>", opens), ""},
		{"where Docker puts it", fstest.MapFS{"bot.py": {Data: []byte(code)}}, text("/usr/src/app/bot.py", 3, "<module>", opens), "bot.py:3"},
		{"a relative path", fstest.MapFS{"server/bot.py": {Data: []byte(code)}}, text("./bot.py", 3, "<module>", opens), "server/bot.py:3"},
		{"a crooked path", fstest.MapFS{"server/bot.py": {Data: []byte(code)}}, text("/app/x/../bot.py", 3, "<module>", opens), "server/bot.py:3"},
		{"a path that goes up", fstest.MapFS{"server/bot.py": {Data: []byte(code)}, "x/bot.py": {Data: []byte(code)}}, text("/app/server/x/../bot.py", 3, "<module>", opens), "server/bot.py:3"},
		{"an inner frame that is not in the workspace", fstest.MapFS{"bot.py": {Data: []byte(code)}},
			strings.Replace(text("/app/bot.py", 3, "<module>", opens), "OSError", "  File \"/opt/x/y.py\", line 1, in f\n    work()\nOSError", 1), "bot.py:3"},
		{"an inner frame that is not sure", fstest.MapFS{"bot.py": {Data: []byte(code)}, "y.py": {Data: []byte("play()\n")}},
			strings.Replace(text("/app/bot.py", 3, "<module>", opens), "OSError", "  File \"/opt/x/y.py\", line 1, in f\n    work()\nOSError", 1), ""},
		{"too many frames", fstest.MapFS{"bot.py": {Data: []byte(code)}},
			strings.Replace(text("/app/bot.py", 3, "<module>", opens), "OSError", strings.Repeat("  File \"<string>\", line 1, in f\n", maxFrames)+"OSError", 1), ""},
		{"a hundred frames", fstest.MapFS{"bot.py": {Data: []byte(code)}},
			strings.Replace(text("/app/bot.py", 3, "<module>", opens), "OSError", strings.Repeat("  File \"<string>\", line 1, in f\n", 100)+"OSError", 1), "bot.py:3"},
	} {
		if got := at(Diagnose(crash{Text: tt.text}.facts(), tt.files).Place); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestAround shows some lines, and no more of each than is read.
func TestAround(t *testing.T) {
	lines := "one\n\n\n\n\tfour = \"" + strings.Repeat("é", 400) + "\"  \nopen(\"menu.json\")\n\n\n\n"
	d := Diagnose(crash{Text: text("/app/bot.py", 6, "<module>", `open("menu.json")`)}.facts(), fstest.MapFS{"bot.py": {Data: []byte(lines)}})
	if d.Place == nil || len(d.Place.Around) != 2 || d.Place.Around[1] != (SourceLine{6, `open("menu.json")`}) {
		t.Fatalf("got %+v", d.Place)
	}
	if s := d.Place.Around[0].Text; len(s) > maxShown || !strings.HasPrefix(s, "\tfour") || !strings.HasSuffix(s, "é…") {
		t.Errorf("got %q", s)
	}
}

// TestSecretFiles holds that nothing of a file that may hold secrets is shown, though a
// text names it and has a line of it whole; each beside one that is shown.
func TestSecretFiles(t *testing.T) {
	crashed := func(file, line string) crash {
		return crash{Text: "Traceback (most recent call last):\n  File \"/app/" + file + "\", line 1, in <module>\n    " + line + "\nKeyError: 'x'\n"}
	}
	excerpt := func(file, line string) crash {
		return crash{Reason: verdict.Build, Text: file + ":1\n--------------------\n   1 | >>> " + line + "\n--------------------\nERROR: x\n"}
	}
	wrong := func(file, line string) crash {
		return crash{Reason: verdict.Build, Text: "ERROR: Invalid requirement: '" + line + "' (from line 1 of " + file + ")\n"}
	}
	for _, tt := range []struct {
		file  string
		says  func(file, line string) crash
		shown bool
	}{
		{"bot.py", crashed, true},
		{".aws/credentials.py", crashed, false},
		{".ssh/config.py", crashed, false},
		{".env.py", crashed, false},
		{"keys/id_rsa.old", crashed, false},
		{"Dockerfile", excerpt, true},
		{"docker/bot.Dockerfile", excerpt, true},
		{"Dockerfile.prod", excerpt, true},
		{"tls.key", excerpt, false},
		{"credentials.json", excerpt, false},
		{"menu.json", excerpt, false},
		{".env", excerpt, false},
		{"requirements.txt", wrong, true},
		{"requirements-dev.txt", wrong, true},
		{"passwords.txt", wrong, false},
	} {
		const line = "SECRET = 0123456789"
		d := Diagnose(tt.says(tt.file, line).facts(), fstest.MapFS{tt.file: {Data: []byte(line + "\nmore\n")}})
		if (d.Place != nil) != tt.shown {
			t.Errorf("%s: got %+v", tt.file, d.Place)
		}
	}
}
