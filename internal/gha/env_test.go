package gha

import "testing"

// TestLine holds that the address of a line leads to the run's own commit, whatever
// the file is called, and that there is none where the runner doesn't name it.
func TestLine(t *testing.T) {
	run := Run{Server: "https://github.com", Repository: "acme/bot", Commit: "abc123"}
	with := func(change func(*Run)) Run {
		r := run
		change(&r)
		return r
	}
	for _, tt := range []struct {
		name string
		run  Run
		file string
		want string
	}{
		{"a file", run, "server/bot.py", "https://github.com/acme/bot/blob/abc123/server/bot.py#L12"},
		{"an enterprise's server", with(func(r *Run) { r.Server = "https://git.example.com/github" }), "bot.py", "https://git.example.com/github/acme/bot/blob/abc123/bot.py#L12"},
		{"marks that mean something in an address", run, "a b/c?d#e%2F.py", "https://github.com/acme/bot/blob/abc123/a%20b/c%3Fd%23e%252F.py#L12"},
		{"marks that mean something in Markdown", run, "a)](b|c`d.py", "https://github.com/acme/bot/blob/abc123/a%29%5D%28b%7Cc%60d.py#L12"},
		{"another language", run, "sprache/bär.py", "https://github.com/acme/bot/blob/abc123/sprache/b%C3%A4r.py#L12"},
		{"http", with(func(r *Run) { r.Server = "http://github.com" }), "bot.py", ""},
		{"a script", with(func(r *Run) { r.Server = "javascript:alert(1)" }), "bot.py", ""},
		{"no address", with(func(r *Run) { r.Server = "https://a b" }), "bot.py", ""},
		{"no server", with(func(r *Run) { r.Server = "" }), "bot.py", ""},
		{"no repository", with(func(r *Run) { r.Repository = "" }), "bot.py", ""},
		{"no commit", with(func(r *Run) { r.Commit = "" }), "bot.py", ""},
		{"nothing", Run{}, "", ""},
	} {
		if got := tt.run.Line(tt.file, 12); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestEnv holds which variable each method reads, and that none needs to be set.
func TestEnv(t *testing.T) {
	set := Env{
		"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": "/work", "RUNNER_TEMP": "/temp", "GITHUB_OUTPUT": "/output", "GITHUB_STEP_SUMMARY": "/summary",
		"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/bot", "GITHUB_SHA": "abc", "GITHUB_RUN_ID": "7",
		"INPUT_AGENT-NAME": " bot\n",
	}
	unset := Env(nil)
	type values struct {
		onRunner                                       bool
		workspace, temp, output, summary, input, other string
		run                                            Run
	}
	of := func(e Env) values {
		return values{e.OnRunner(), e.Workspace(), e.Temp(), e.OutputFile(), e.SummaryFile(), e.Input("agent-name"), e.Input("image"), e.Run()}
	}
	want := values{true, "/work", "/temp", "/output", "/summary", "bot", "", Run{Server: "https://github.com", Repository: "acme/bot", Commit: "abc", ID: "7"}}
	if got := of(set); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := of(unset); got != (values{}) {
		t.Errorf("of nothing: %+v", got)
	}
}
