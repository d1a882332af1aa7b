package diagnosis

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/verdict"
)

// TestCollected holds that what a collector puts before each line of a text changes
// nothing of what the text shows.
func TestCollected(t *testing.T) {
	object := func(fields map[string]any) string {
		b, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	forms := map[string]func(i int, s string) string{
		"compose": func(_ int, s string) string { return "bot-1  | " + s },
		"Kubernetes": func(i int, s string) string {
			return fmt.Sprintf("2026-03-02T09:%02d:%02d.100Z stderr F %s", i/60%60, i%60, s)
		},
		"journald": func(i int, s string) string {
			return fmt.Sprintf("Mar 02 09:%02d:%02d host bot[12]: %s", i/60%60, i%60, s)
		},
		"Heroku": func(i int, s string) string {
			return fmt.Sprintf("2026-03-02T09:%02d:%02d.100000+00:00 app[web.1]: %s", i/60%60, i%60, s)
		},
		"kubectl": func(_ int, s string) string { return "[pod/bot-5d8f/bot] " + s },
		"klog": func(i int, s string) string {
			return fmt.Sprintf("E0302 09:%02d:%02d.123456       1 bot.py:7] %s", i/60%60, i%60, s)
		},
		"Docker": func(_ int, s string) string { return object(map[string]any{"log": s + "\n", "stream": "stderr"}) },
		"textPayload": func(_ int, s string) string {
			return object(map[string]any{"severity": "ERROR", "textPayload": s})
		},
		"Windows": func(_ int, s string) string { return s + "\r" },
	}
	texts := 0
	for file, archive := range archives(t) {
		printed, workspace, _ := unpack(t, archive)
		facts := printed.facts()
		if !facts.has(verdict.FromContainer) || slices.Contains([]verdict.Reason{verdict.Build, verdict.Refused}, printed.Reason) {
			continue
		}
		texts++
		want := Diagnose(facts, workspace)
		for name, form := range forms {
			var text strings.Builder
			for i, s := range strings.Split(strings.TrimSuffix(printed.Text, "\n"), "\n") {
				text.WriteString(form(i, s) + "\n")
			}
			collected := printed
			collected.Text = text.String()
			got := Diagnose(collected.facts(), workspace)
			if got.Cause != want.Cause || at(got.Place) != at(want.Place) || got.Hint != want.Hint {
				t.Errorf("%s by %s: got %q at %q, hint %q; want %q at %q, hint %q", file, name, got.Cause, at(got.Place), got.Hint, want.Cause, at(want.Place), want.Hint)
			}
		}
	}
	t.Logf("%d texts, each in %d forms", texts, len(forms))
	if texts < 100 {
		t.Errorf("only %d texts", texts)
	}
}

// TestStreams holds what is taken off, and that nothing is where it is no prefix.
func TestStreams(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"one program", "bot-1  | a\nbot-1  |\nbot-1  |   b", "a\n\n  b"},
		{"one line", "bot-1  | a", "a"},
		{"two programs", "bot-1    | KeyError: 'x'\nredis-1  | ready\nbot-1    | bye\nredis-1  | more", "ready\nmore\nKeyError: 'x'\nbye"},
		{"a line of compose itself", "bot-1  | a\nbot-1  | b\nbot-1 exited with code 1", "a\nb\nbot-1 exited with code 1"},
		{"a time, too", "10:00:01 web.1  | a\n10:00:02 web.1  | b", "a\nb"},
		{"what is before a traceback", "9:01 x> Traceback (most recent call last):\n9:02 x>   File\n9:03 x> KeyError: 'x'", "Traceback (most recent call last):\n  File\nKeyError: 'x'"},
		{"a level", "INFO     | a\nERROR    | b", ""},
		{"a level in brackets", "[INFO] a\n[ERROR] b", ""},
		{"a number that changes", "[a1] a\n[a2] b\n[a3] c", ""},
		{"a table with other lines", "tea | 2\nmilk is out\ncocoa is out\ncream is out", ""},
		{"a log line with a traceback", "boom Traceback (most recent call last):\n  File\nKeyError: 'x'\na\nb", ""},
	} {
		lines := strings.Split(tt.text, "\n")
		got := strings.Join(withoutCollector(slices.Clone(lines)), "\n")
		if tt.want == "" {
			tt.want = tt.text
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// later are what is printed after a crash.
var later = map[string]string{
	"a warning":       "/app/bot.py:3: UserWarning: TEA_KEY is not set\n",
	"clients":         "Unclosed client session\nclient_session: <aiohttp.client.ClientSession object at 0x7f>\nUnclosed connector\nconnector: <aiohttp.connector.TCPConnector object at 0x7f>\n",
	"a destructor":    "Exception ignored in: <function Loop.__del__ at 0x7f>\nTraceback (most recent call last):\n  File \"/usr/local/lib/python3.12/asyncio/base_events.py\", line 729, in __del__\n    self.close()\nRuntimeError: Event loop is closed\n",
	"an exit handler": "Exception ignored in atexit callback: <function join at 0x7f>\nTraceback (most recent call last):\n  File \"/usr/local/lib/python3.12/multiprocessing/util.py\", line 360, in join\n    p.join()\nAssertionError: can only join a child process\n",
	"a thread":        "Exception in thread Thread-1 (run):\nTraceback (most recent call last):\n  File \"/usr/local/lib/python3.12/threading.py\", line 1073, in _bootstrap_inner\n    self.run()\nRuntimeError: cannot schedule new futures after interpreter shutdown\n",
	"a connection": "Fatal error on SSL transport\nprotocol: <asyncio.sslproto.SSLProtocol object at 0x7f>\ntransport: <_SelectorSocketTransport closing fd=9>\nTraceback (most recent call last):\n  File \"/usr/local/lib/python3.12/asyncio/selector_events.py\", line 1087, in write\n    n = self._sock.send(data)\nOSError: [Errno 9] Bad file descriptor\n\n" +
		"During handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"/usr/local/lib/python3.12/asyncio/base_events.py\", line 520, in _check_closed\n    raise RuntimeError('Event loop is closed')\nRuntimeError: Event loop is closed\n",
	"a tracer":     "failed to send, dropping 1 traces to http://localhost:8126 after 3 retries ([Errno 111] Connection refused)\n",
	"npm":          "npm ERR! code ELIFECYCLE\nnpm ERR! errno 1\nnpm ERR! bot@1.0.0 start: `python bot.py`\n",
	"make":         "make: *** [Makefile:3: run] Error 1\n",
	"a supervisor": "s6-svwait: fatal: some services reported permanent failure or their supervisor died\n",
	"a handler":    "--- Logging error in Loguru Handler #1 ---\nRecord was: {'message': 'TEA_KEY is not set'}\nTraceback (most recent call last):\n  File \"/usr/local/lib/python3.12/site-packages/loguru/_handler.py\", line 206, in emit\n    self._sink.write(str_record)\nValueError: I/O operation on closed file.\n--- End of logging error ---\n",
	"a log line":   "2026-03-02 09:14:02.511 | WARNING  | bot:stop:3 - TEA_KEY is not set\n",
}

// TestPrintedLater holds that what is printed after a crash changes nothing of what the
// text shows.
func TestPrintedLater(t *testing.T) {
	texts := 0
	for file, archive := range archives(t) {
		printed, workspace, _ := unpack(t, archive)
		facts := printed.facts()
		want := Diagnose(facts, workspace)
		switch {
		case !facts.has(verdict.FromContainer), want.Type == "", printed.Reason == verdict.Build,
			file == "logerr-cut.txtar": // in which all that comes later is of a handler's error
			continue
		}
		texts++
		for name, after := range later {
			both := printed
			both.Text += after
			if got := Diagnose(both.facts(), workspace); got.Cause != want.Cause || at(got.Place) != at(want.Place) || got.Hint != want.Hint {
				t.Errorf("%s, then %s: got %q at %q, hint %q; want %q at %q, hint %q", file, name, got.Cause, at(got.Place), got.Hint, want.Cause, at(want.Place), want.Hint)
			}
		}
	}
	t.Logf("%d texts, each before %d others", texts, len(later))
	if texts < 100 {
		t.Errorf("only %d texts", texts)
	}
}
