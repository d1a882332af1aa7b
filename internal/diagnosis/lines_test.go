package diagnosis

import (
	"strconv"
	"testing"

	"pipecat-cloud-deploy/internal/verdict"
)

func TestPrefixLen(t *testing.T) {
	for _, tt := range []struct {
		prefix, line string
		want         int
	}{
		{"bot-1  | ", "bot-1  |   File", 9},
		{"bot-1  | ", "bot-2  | x", -1},
		{"10:00:09 web.1  | ", "10:00:10 web.1  | x", 18},
		{"10:00:09.123 | ", "10:00:09.124 | x", 15},
		{"bot-1  | ", "web-1  | x", -1},
		{"bot-1  | ", "bot-1  |", 8},
		{"10:00:09 ", "10:00:10 x", 9},
		{"10:00:09 ", "ten", -1},
		{"a1", "a", -1},
		{"INFO  bot: ", "ERROR bot:   File", 11},
		{"ERROR ", "INFO   x", -1},
		{"", "x", 0},
	} {
		if got := prefixLen(tt.prefix, tt.line); got != tt.want {
			t.Errorf("%q before %q: got %d, want %d", tt.prefix, tt.line, got, tt.want)
		}
	}
}

// TestRecords has what a structured log line stands for, as level and words.
func TestRecords(t *testing.T) {
	for _, tt := range []struct{ text, level, message string }{
		{`{"level":"error","msg":"no tea"}`, "ERROR", "no tea"},
		{`{"level":30,"msg":"tea"}`, "INFO", "tea"},
		{`{"level":50,"msg":"no tea","err":{"type":"E","message":"gone"}}`, "ERROR", "no tea: E: gone"},
		{`{"severity":"ERROR","jsonPayload":{"message":"no tea"}}`, "ERROR", "no tea"},
		{`{"severity":"ERROR","textPayload":"INFO: tea"}`, "INFO", "tea"},
		{`Exception: no voice {"level":"error","msg":"no tea"}`, "", ""},
		{`no voice: {"error":"no tea"}`, "", ""},
		{`{"level":{"name":"ERROR"},"message":"no tea"}`, "ERROR", "no tea"},
		{`{"message":"no level","error":"gone"}`, "INFO", "no level: gone"},
		{`x | {"level":"error","msg":"no tea"}`, "ERROR", "no tea"},
		{`{"log":"{\"level\":\"error\",\"msg\":\"no tea\"}\n"}`, "ERROR", "no tea"},
		{`{"log":"ERROR: no tea\n"}`, "ERROR", "no tea"},
		{`level=error msg="no \"tea\"" err="gone"`, "ERROR", `no "tea": gone`},
		{`{"a":1}`, "", ""},
		{`{not json}`, "", ""},
		{`{"msg":5}`, "", ""},
		{`{"exception":[1,2]}`, "", ""},
	} {
		lines := split(tt.text)
		if len(lines) != 1 || lines[0].level != tt.level || lines[0].message != tt.message {
			t.Errorf("%s: got %+v, want %q, %q", tt.text, lines, tt.level, tt.message)
		}
	}
}

// TestNested holds that records in records are read as deep as collectors put them.
func TestNested(t *testing.T) {
	text := `{"level":"error","msg":"no tea"}`
	for range maxNested {
		text = `{"log":` + strconv.Quote(text) + `}`
	}
	if l := split(text); l[0].message != "no tea" {
		t.Errorf("got %+v", l)
	}
	if l := split(`{"log":` + strconv.Quote(text) + `}`); l[0].message == "no tea" {
		t.Errorf("got %+v", l)
	}
}

// TestWithCause holds how a message has its cause, once.
func TestWithCause(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status verdict.Status
		d      Diagnosis
		want   string
		said   string
	}{
		{"a crash", verdict.Failed, Diagnosis{Cause: "KeyError: 'x'", Sure: Certain}, "it failed: KeyError: 'x'", ""},
		{"a line of a log", verdict.TimedOut, Diagnosis{Cause: "KeyError: 'x'", Sure: Certain, From: verdict.FromAgentLog}, "it failed; its log shows: KeyError: 'x'", ""},
		{"the platform's", verdict.TimedOut, Diagnosis{Cause: "no", Sure: Certain, From: verdict.FromPlatform}, "it failed; the platform reports: no", ""},
		{"what was printed", verdict.Failed, Diagnosis{Cause: "bye", Sure: Possible}, "it failed; it printed last: bye", ""},
		{"nothing", verdict.Failed, Diagnosis{}, "it failed.", ""},
		{"a cause of one letter", verdict.Failed, Diagnosis{Cause: "i", Sure: Certain}, "it failed: i", ""},
		{"what the agent said", verdict.Failed, Diagnosis{}, "it failed: no voice", "no voice"},
		{"what the agent said, which is the cause", verdict.Failed, Diagnosis{Cause: "KeyError: 'x'", Sure: Certain}, "it failed: KeyError: 'x'", "KeyError: 'x'"},
		{"what the agent said, which has the cause", verdict.Failed, Diagnosis{Cause: "KeyError: 'x'", Sure: Certain}, "it failed: in pipeline: KeyError: 'x'", "in pipeline: KeyError: 'x'"},
		{"what the agent said, which the cause has", verdict.TimedOut, Diagnosis{Cause: "KeyError: 'x'", Sure: Certain, From: verdict.FromAgentLog}, "it failed; its log shows: KeyError: 'x'", "'x'"},
		{"what the agent said, and another cause", verdict.Failed, Diagnosis{Cause: "bye", Sure: Possible}, "it failed: no voice; it printed last: bye", "no voice"},
	} {
		f := &verdict.Failure{Status: tt.status, Message: "it failed.", Said: tt.said}
		if got := withCause(f, tt.d).Message; got != tt.want || f.Message != "it failed." {
			t.Errorf("%s: got %q, want %q; the failure itself has %q", tt.name, got, tt.want, f.Message)
		}
	}
}
