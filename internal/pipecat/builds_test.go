package pipecat_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/pipecat"
)

func TestBuildRequests(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		call         func(context.Context, *pipecat.Client) error
		want         string
	}{
		{"upload url", `{"uploadId":"i","uploadUrl":"u","uploadFields":{}}`, func(ctx context.Context, c *pipecat.Client) error { _, err := c.UploadURL(ctx, "us-west"); return err },
			`POST /v1/builds/upload-url {"region":"us-west"}`},
		{"create", `{"build":{"id":"i"}}`, func(ctx context.Context, c *pipecat.Client) error {
			_, _, err := c.CreateBuild(ctx, pipecat.BuildRequest{UploadID: "u", Region: "us-west", DockerfilePath: "a/Dockerfile"})
			return err
		}, `POST /v1/builds {"uploadId":"u","region":"us-west","dockerfilePath":"a/Dockerfile"}`},
		{"all builds", `{"builds":[]}`, func(ctx context.Context, c *pipecat.Client) error {
			_, err := c.Builds(ctx, pipecat.BuildFilter{})
			return err
		}, "GET /v1/builds?limit=100"},
		{"an equal build", `{"builds":[]}`, func(ctx context.Context, c *pipecat.Client) error {
			_, err := c.Builds(ctx, pipecat.BuildFilter{ContextHash: "a&b", Region: "us-west", Status: "success", DockerfilePath: "D", Limit: 1})
			return err
		}, "GET /v1/builds?contextHash=a%26b&limit=100&region=us-west&status=success"},
		{"logs", `{"logs":[]}`, func(ctx context.Context, c *pipecat.Client) error { _, _, err := c.BuildLogs(ctx, "i", 50); return err },
			"GET /v1/builds/i/logs?limit=50"},
		{"more logs than there may be", `{"logs":[]}`, func(ctx context.Context, c *pipecat.Client) error {
			_, _, err := c.BuildLogs(ctx, "i", 20000)
			return err
		}, "GET /v1/builds/i/logs?limit=10000"},
		{"last logs", `{"logs":[]}`, func(ctx context.Context, c *pipecat.Client) error { _, err := c.LastBuildLogs(ctx, "i", 5); return err },
			"GET /v1/builds/i/logs?limit=10000"},
		{"new logs", `{"logs":[]}`, func(ctx context.Context, c *pipecat.Client) error { _, err := c.NewBuildLogs(ctx, "i", 7); return err },
			"GET /v1/builds/i/logs?limit=507"},
	} {
		var got string
		c := client(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got = strings.TrimSpace(r.Method + " " + r.URL.RequestURI() + " " + string(body))
			if r.Header.Get("Authorization") != "Bearer "+key {
				t.Errorf("%s: headers %v", tt.name, r.Header)
			}
			io.WriteString(w, tt.answer)
		})
		if err := tt.call(t.Context(), c); err != nil || got != tt.want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", tt.name, err, got, tt.want)
		}
	}
}

func TestCreateBuild(t *testing.T) {
	for _, tt := range []struct {
		status int
		answer string
		want   pipecat.Build
		cached bool
		err    string
	}{
		{200, `{"build":{"id":"i","status":"success","contextHash":"h"},"contextHash":"h","cached":true}`, pipecat.Build{ID: "i", Status: "success", ContextHash: "h"}, true, ""},
		{201, `{"build":{"id":"i","status":"pending"},"contextHash":"h","cached":false}`, pipecat.Build{ID: "i", Status: "pending", ContextHash: "h"}, false, ""},
		{201, `{"build":{"id":"i","status":7,"region":"r"},"contextHash":["h"],"cached":"no"}`, pipecat.Build{ID: "i", Region: "r"}, false, ""},
		{201, `{"cached":false}`, pipecat.Build{}, false, `no "build" is in it`},
		{201, `{"build":{"status":"pending"}}`, pipecat.Build{}, false, `its "build" has no "id"`},
		{400, `{"error":"Upload not found","code":"GENERIC_BAD_REQUEST"}`, pipecat.Build{}, false, "400 Bad Request: Upload not found (GENERIC_BAD_REQUEST)"},
		{502, `<html>`, pipecat.Build{}, false, "502 Bad Gateway"},
	} {
		var n int
		c := client(answers(&n, answer(tt.status, tt.answer)))
		c.Retries = 4
		b, cached, err := c.CreateBuild(t.Context(), pipecat.BuildRequest{})
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: got %v, want %s", tt.answer, err, tt.err)
			}
		} else if err != nil || *b != tt.want || cached != tt.cached {
			t.Errorf("%s: got %+v, %v, %v", tt.answer, b, cached, err)
		}
		if n != 1 {
			t.Errorf("a write was sent %d times", n)
		}
	}
}

// TestBuildStatus holds what a build's status says of it.
func TestBuildStatus(t *testing.T) {
	for _, tt := range []struct {
		status                string
		running, failed, over bool
	}{
		{status: "pending"},
		{status: "building", running: true},
		{status: pipecat.BuildSuccess, over: true},
		{status: pipecat.BuildFailed, failed: true, over: true},
		{status: pipecat.BuildTimeout, failed: true, over: true},
		{status: ""},
		{status: "something new"},
	} {
		b := pipecat.Build{Status: tt.status}
		if b.IsRunning() != tt.running || b.IsFailed() != tt.failed || b.IsOver() != tt.over {
			t.Errorf("%q: running %t, failed %t, over %t", tt.status, b.IsRunning(), b.IsFailed(), b.IsOver())
		}
	}
}

// TestSecretStatus holds what a secret set's status says of it.
func TestSecretStatus(t *testing.T) {
	for _, tt := range []struct {
		status                 string
		failed, pending, ready bool
	}{
		{status: "failed", failed: true},
		{status: "Failed", failed: true},
		{status: "pending", pending: true},
		{status: "PENDING", pending: true},
		{status: "ready", ready: true},
		{status: "Ready", ready: true},
		{status: ""},
		{status: "something new"},
	} {
		s := pipecat.SecretSet{Status: tt.status}
		if s.IsFailed() != tt.failed || s.IsPending() != tt.pending || s.IsReady() != tt.ready {
			t.Errorf("%q: failed %t, pending %t, ready %t", tt.status, s.IsFailed(), s.IsPending(), s.IsReady())
		}
	}
}

// TestOddBuilds holds that a count may be a text, and that an odd field costs no
// more than that field, in a list too.
func TestOddBuilds(t *testing.T) {
	var n int
	odd := `{"id":"i","status":"success","contextSizeBytes":"10485760","imageSizeBytes":null,"buildDurationSeconds":12.9,"region":7,"errorMessage":null,"createdAt":"x"}`
	want := pipecat.Build{ID: "i", Status: "success", ContextSizeBytes: 10485760, BuildDurationSeconds: 12}
	if b, err := client(answers(&n, answer(200, `{"build":`+odd+`}`))).Build(t.Context(), "i"); err != nil || *b != want {
		t.Errorf("got %+v, %v", b, err)
	}
	if b, err := client(answers(&n, answer(200, `{"build":{"status":"SUCCESS"}}`))).Build(t.Context(), "i"); err != nil || b.ID != "i" || b.Status != pipecat.BuildSuccess {
		t.Errorf("got %+v, %v", b, err)
	}
	if b, err := client(answers(&n, answer(200, `{"build":{"id":"j","status":"success"}}`))).Build(t.Context(), "i"); err == nil {
		t.Errorf("another build's: got %+v", b)
	}
	list := `{"builds":[7,null,"x",{},` + odd + `,{"id":"j","imageSizeBytes":1e99,"contextSizeBytes":-1,"buildDurationSeconds":"soon"}],"total":"2"}`
	got, err := client(answers(&n, answer(200, list))).Builds(t.Context(), pipecat.BuildFilter{})
	if err != nil || !slices.Equal(got, []pipecat.Build{want, {ID: "j"}}) {
		t.Errorf("got %+v, %v", got, err)
	}
	for body, want := range map[string]string{`{}`: `no "builds" are in it`, `{"builds":null}`: `no "builds" are in it`, `{"builds":{}}`: ""} {
		got, err := client(answers(&n, answer(200, body))).Builds(t.Context(), pipecat.BuildFilter{})
		if len(got) > 0 || (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %+v, %v", body, got, err)
		}
	}
}

// TestBuildsSelected holds that a build is not taken for what it is not, even
// where the API does not filter.
func TestBuildsSelected(t *testing.T) {
	var n int
	c := client(answers(&n, answer(200, `{"builds":[
{"id":"a","status":"SUCCESS","region":"r","contextHash":"h","dockerfilePath":"D","createdAt":"2026-02-20T12:00:00Z"},
{"id":"b","status":"success","region":"r","contextHash":"h","dockerfilePath":"D","createdAt":"2026-02-20T12:00:02Z"},
{"id":"c","status":"failed","region":"r","contextHash":"h","dockerfilePath":"D","createdAt":"2026-02-20T12:00:09Z"},
{"id":"d","status":"success","region":"s","contextHash":"h","dockerfilePath":"D","createdAt":"2026-02-20T12:00:08Z"},
{"id":"e","status":"success","region":"r","contextHash":"i","dockerfilePath":"D","createdAt":"2026-02-20T12:00:07Z"},
{"id":"f","status":"success","region":"r","contextHash":"h","dockerfilePath":"E","createdAt":"2026-02-20T12:00:06Z"},
{"id":"g","createdAt":"2026-02-20T12:00:05Z"}],"total":7}`)))
	for want, f := range map[string]pipecat.BuildFilter{
		"b a":           {ContextHash: "h", Region: "r", Status: "success", DockerfilePath: "D"},
		"b":             {ContextHash: "h", Region: "r", Status: "success", DockerfilePath: "D", Limit: 1},
		"e f b a":       {Region: "r", Status: "success", Limit: 9},
		"c d e f g b a": {},
	} {
		builds, err := c.Builds(t.Context(), f)
		if got := ids(builds); err != nil || got != want {
			t.Errorf("%+v: got %s, %v, want %s", f, got, err, want)
		}
	}
}

func ids(builds []pipecat.Build) string {
	var all []string
	for _, b := range builds {
		all = append(all, b.ID)
	}
	return strings.Join(all, " ")
}

// TestNewestBuilds holds that the newest are found in whatever order the API
// lists them, and with one request where that is the newest first.
func TestNewestBuilds(t *testing.T) {
	for _, tt := range []struct {
		order       string
		at          func(i int) int // the second in which the i-th of the list was made
		first, last string
		requests    int
	}{
		{"newest first", func(i int) int { return 1000 - i }, "0", "99", 1},
		{"oldest first", func(i int) int { return i }, "249", "0", 3},
		{"no order", func(i int) int { return i * 7 % 251 }, "215", "0", 3},
	} {
		n := 0
		c := client(func(w http.ResponseWriter, r *http.Request) {
			n++
			from, _ := strconv.Atoi(r.URL.Query().Get("offset"))
			var list []string
			for i := from; i < min(250, from+100); i++ {
				at := tt.at(i)
				list = append(list, fmt.Sprintf(`{"id":"%d","createdAt":"2026-02-20T12:%02d:%02dZ"}`, i, at/60, at%60))
			}
			fmt.Fprintf(w, `{"builds":[%s],"total":250,"limit":100,"offset":%d}`, strings.Join(list, ","), from)
		})
		builds, err := c.Builds(t.Context(), pipecat.BuildFilter{})
		if err != nil || builds[0].ID != tt.first || builds[len(builds)-1].ID != tt.last || n != tt.requests {
			t.Errorf("%s: %v, %s … %s in %d requests", tt.order, err, builds[0].ID, builds[len(builds)-1].ID, n)
		}
	}
}

func TestBuildLogs(t *testing.T) {
	var n int
	for body, want := range map[string][]string{
		`{"logs":["a\n","b\nc","","d"]}`:                               {"a", "b", "c", "", "d"},
		`{"logs":[{"message":"a","timestamp":1},{"log":"b"},{"x":1}]}`: {"a", "b", `{"x":1}`},
		`{"logs":["a",7,null,"key ` + key + `"]}`:                      {"a", "7", "", "key ***"},
		`{"logs":null}`:    nil,
		`{"logs":"a"}`:     nil,
		`{"nextToken":""}`: nil,
	} {
		lines, more, err := client(answers(&n, answer(200, body))).BuildLogs(t.Context(), "i", 9)
		if err != nil || more || !reflect.DeepEqual(lines, want) {
			t.Errorf("%s: got %q, %v, %v", body, lines, more, err)
		}
	}
	if _, more, err := client(answers(&n, answer(200, `{"logs":["a"],"nextToken":"t"}`))).BuildLogs(t.Context(), "i", 1); err != nil || !more {
		t.Errorf("got %v, %v, want more", more, err)
	}
	// A long log is more than is kept of a document.
	line := strings.Repeat("x", 300)
	long := `{"logs":["` + strings.Repeat(line+`","`, 9999) + `last"]}`
	lines, err := client(answers(&n, answer(200, long))).LastBuildLogs(t.Context(), "i", 2)
	if err != nil || !slices.Equal(lines, []string{line, "last"}) {
		t.Errorf("got %.100q, %v", lines, err)
	}
	if lines, err := client(answers(&n, answer(200, `{"logs":[`+strings.Repeat("1,", 1e6)+`1]}`))).LastBuildLogs(t.Context(), "i", 2e6); err != nil || len(lines) != 10000 {
		t.Errorf("got %d lines, %v", len(lines), err)
	}
	if lines, err := client(answers(&n, answer(404, `{}`))).LastBuildLogs(t.Context(), "i", 2); err == nil {
		t.Errorf("got %q, want an error", lines)
	}
}

// TestNewBuildLogs holds that each line is seen once, whichever end of the log
// the API gives.
func TestNewBuildLogs(t *testing.T) {
	for _, end := range []string{"first", "last"} {
		printed, seen := 0, 0
		c := client(func(w http.ResponseWriter, r *http.Request) {
			limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
			from, to := 0, min(limit, printed)
			if end == "last" {
				from, to = max(0, printed-limit), printed
			}
			var list []string
			for i := from; i < to; i++ {
				list = append(list, fmt.Sprintf(`"%d"`, i))
			}
			fmt.Fprintf(w, `{"logs":[%s]}`, strings.Join(list, ","))
		})
		for _, more := range []int{0, 3, 0, 400, 500, 1, 0, 499} {
			printed += more
			lines, err := c.NewBuildLogs(t.Context(), "i", seen)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range lines {
				if line != strconv.Itoa(seen) {
					t.Fatalf("%s: got line %s, want %d", end, line, seen)
				}
				seen++
			}
			if seen != printed {
				t.Fatalf("%s: saw %d lines of %d", end, seen, printed)
			}
		}
	}
	c := client(func(http.ResponseWriter, *http.Request) { t.Error("asked, though there is no more to come") })
	if lines, err := c.NewBuildLogs(t.Context(), "i", 10000); len(lines) > 0 || err != nil {
		t.Errorf("got %d lines, %v", len(lines), err)
	}
}

func FuzzBuilds(f *testing.F) {
	for _, seed := range []string{`{}`, `{"builds":[{"id":"i","createdAt":7}],"total":"300"}`, `{"builds":[[]]}`, `{"logs":["a\nb",{"log":"c"},7]}`, `{"build":{"id":"i","imageSizeBytes":"1e9"}}`, `null`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var n int
		c := client(answers(&n, answer(200, string(body))))
		builds, err := c.Builds(t.Context(), pipecat.BuildFilter{Status: "success"})
		if err != nil && len(builds) > 0 || slices.ContainsFunc(builds, func(b pipecat.Build) bool { return b.ID == "" || b.Status != "success" }) {
			t.Errorf("got %+v, %v", builds, err)
		}
		b, _, err := c.CreateBuild(t.Context(), pipecat.BuildRequest{})
		if (err == nil) != (b != nil && b.ID != "") || b != nil && (b.ContextSizeBytes < 0 || b.ImageSizeBytes < 0 || b.BuildDurationSeconds < 0) {
			t.Errorf("got %+v, %v", b, err)
		}
		lines, err := c.LastBuildLogs(t.Context(), "i", 3)
		if err != nil && lines != nil || len(lines) > 3 || strings.Contains(strings.Join(lines, ""), "\n") {
			t.Errorf("got %q, %v", lines, err)
		}
	})
}
