package simulator_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
)

// archive packs files; a name is followed by what is in it.
func archive(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	compressed, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	w := tar.NewWriter(compressed)
	for i := 0; i+1 < len(files); i += 2 {
		header := &tar.Header{Name: files[i], Size: int64(len(files[i+1])), Mode: 0o644}
		if strings.HasSuffix(files[i], "|") { // a pipe
			header.Name, header.Typeflag = strings.TrimSuffix(files[i], "|"), tar.TypeFifo
		}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := compressed.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// clientOf calls a handler in the process, under its contract.
func clientOf(t *testing.T, h http.Handler) *pipecat.Client {
	return &pipecat.Client{Base: &url.URL{Scheme: "https", Host: "api.example.com", Path: "/v1"}, Key: "sk_test", Transport: simulator.Transport(newCaller(t, h).h)}
}

// uploaded sends a context, and returns its id.
func uploaded(t *testing.T, c *pipecat.Client, context []byte) string {
	t.Helper()
	u, err := c.UploadURL(t.Context(), "us-west")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Upload(t.Context(), u, bytes.NewReader(context), int64(len(context)), nil); err != nil {
		t.Fatal(err)
	}
	return u.ID
}

func create(t *testing.T, c *pipecat.Client, id, dockerfile string) (*pipecat.Build, bool) {
	t.Helper()
	b, cached, err := c.CreateBuild(t.Context(), pipecat.BuildRequest{UploadID: id, Region: "us-west", DockerfilePath: dockerfile})
	if err != nil {
		t.Fatal(err)
	}
	return b, cached
}

// TestCloudBuild goes from a context to a deployment, and to the same build again.
func TestCloudBuild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := newCloud()
		c := clientOf(t, cloud)
		context := archive(t, "Dockerfile", "FROM a\n# simulator: ok crash\n", "bot.py", "print()\n", "sub/", "")
		sum := md5.Sum(context)
		hash := hex.EncodeToString(sum[:])[:16]
		id := uploaded(t, c, context)
		if got := cloud.Uploads(); len(got) != 1 || got[0].ID != id || got[0].Hash != hash || got[0].Size != int64(len(context)) ||
			strings.Join(got[0].Names, " ") != "Dockerfile bot.py sub/" || got[0].Unpacked != 37 || got[0].Err != nil {
			t.Errorf("got %+v", got)
		}
		b, cached := create(t, c, id, "Dockerfile")
		if cached || b.ContextHash != hash || b.Status != "pending" || b.DockerfilePath != "Dockerfile" || int(b.ContextSizeBytes) != len(context) || !b.StartedAt.IsZero() {
			t.Errorf("got %+v, cached %v", b, cached)
		}
		// The same again is another build, as long as none has succeeded.
		if other, cached := create(t, c, id, "Dockerfile"); cached || other.ID == b.ID {
			t.Errorf("got %+v, cached %v", other, cached)
		}
		var statuses []string
		printed := -1
		for range 50 {
			now, err := c.Build(t.Context(), b.ID)
			if err != nil {
				t.Fatal(err)
			}
			lines, _, err := c.BuildLogs(t.Context(), b.ID, 500)
			if err != nil || len(lines) < printed || now.Status == "pending" && len(lines) > 0 {
				t.Errorf("%d lines after %d, while it is %s: %v", len(lines), printed, now.Status, err)
			}
			printed = len(lines)
			if len(statuses) == 0 || statuses[len(statuses)-1] != now.Status {
				statuses = append(statuses, now.Status)
			}
			time.Sleep(time.Second)
		}
		if got := strings.Join(statuses, " "); got != "pending building success" || printed < 10 {
			t.Errorf("went %s, and printed %d lines", got, printed)
		}
		b, _ = c.Build(t.Context(), b.ID)
		if b.ImageURI == "" || b.BuildDurationSeconds != 40 || b.CompletedAt.Sub(b.StartedAt.Time) != 36*time.Second {
			t.Errorf("got %+v", b)
		}

		again, cached := create(t, c, uploaded(t, c, context), "Dockerfile")
		if !cached || again.Status != "success" || again.ContextHash != hash {
			t.Errorf("got %+v, cached %v", again, cached)
		}
		if _, cached := create(t, c, uploaded(t, c, context), "bot.py"); cached {
			t.Error("a build from another Dockerfile is taken for the same")
		}
		found, err := c.Builds(t.Context(), pipecat.BuildFilter{ContextHash: hash, Region: "us-west", Status: "success", DockerfilePath: "Dockerfile"})
		if err != nil || len(found) != 2 || found[0].ID != again.ID {
			t.Errorf("found %+v, %v", found, err)
		}

		a, err := c.UpdateAgent(t.Context(), "bot", pipecat.UpdateRequest{Settings: pipecat.Settings{BuildID: b.ID}})
		if err != nil || cloud.Manifest("bot", a.Desired()).BuildID != b.ID {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if a, err = c.Agent(t.Context(), "bot"); err != nil || a.CurrentRevision.Health.Reason != "CrashLoopBackOff" {
			t.Errorf("got %+v, %v, want the script that the Dockerfile names", a.CurrentRevision, err)
		}

		cloud.RemoveBuild(b.ID)
		if _, err := c.Build(t.Context(), b.ID); err == nil || !strings.Contains(err.Error(), "404 Not Found: Build not found") {
			t.Errorf("got %v, want that it has vanished", err)
		}
	})
}

// TestBuildScripts holds each script to what it says of itself.
func TestBuildScripts(t *testing.T) {
	for _, script := range append(simulator.BuildScripts(), simulator.BuildScript{Name: "own", After: 7 * time.Second, Status: "failed", Error: "e", Log: "a\nb\n"}) {
		synctest.Test(t, func(t *testing.T) {
			cloud := &simulator.Cloud{BuildScripts: map[string]simulator.BuildScript{"own": script}}
			c := clientOf(t, cloud)
			b, _ := create(t, c, uploaded(t, c, archive(t, "a/D", "# simulator: "+script.Name+"\r\nFROM a\n")), "a/D")
			time.Sleep(script.After - time.Nanosecond)
			if b, err := c.Build(t.Context(), b.ID); err != nil || b.Status != "building" && !script.Never {
				t.Errorf("%s: %+v, %v right before its end", script.Name, b, err)
			}
			time.Sleep(time.Nanosecond)
			b, err := c.Build(t.Context(), b.ID)
			want := script.Status
			if want == "" {
				want = "success"
			}
			if script.Never {
				want = "pending"
			}
			if err != nil || b.Status != want || b.ErrorMessage != script.Error {
				t.Errorf("%s: got %+v, %v, want %s", script.Name, b, err, want)
			}
			lines, err := c.LastBuildLogs(t.Context(), b.ID, 10000)
			if err != nil || script.Log != "" && strings.Join(lines, "\n")+"\n" != script.Log || (len(lines) == 0) != script.Never {
				t.Errorf("%s: printed %d lines, %v", script.Name, len(lines), err)
			}
		})
	}
}

// TestBadContexts holds that a build of what cannot be built fails, and says why.
func TestBadContexts(t *testing.T) {
	good := archive(t, "Dockerfile", "FROM a\n", "bot.py", strings.Repeat("print()\n", 9999))
	broken := bytes.Clone(good)
	broken[len(broken)-6] ^= 1
	for _, tt := range []struct {
		name, dockerfile string
		context          []byte
		message          string
	}{
		{"no gzip", "Dockerfile", []byte("garbage, and more than a header of it"), "Failed to unpack the build context: gzip: invalid header"},
		{"no tar", "Dockerfile", func() []byte {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			fmt.Fprint(w, strings.Repeat("garbage", 999))
			w.Close()
			return b.Bytes()
		}(), "Failed to unpack the build context: archive/tar: invalid tar header"},
		{"cut", "Dockerfile", good[:len(good)-20], "Failed to unpack the build context: unexpected EOF"},
		{"checksum", "Dockerfile", broken, "Failed to unpack the build context: gzip: invalid checksum"},
		{"more behind it", "Dockerfile", append(bytes.Clone(good), "garbage, and more than a header of it"...), "Failed to unpack the build context: gzip: invalid header"},
		{"leads elsewhere", "Dockerfile", archive(t, "Dockerfile", "", "../../etc/passwd", ""), `Failed to unpack the build context: "../../etc/passwd" leads elsewhere`},
		{"absolute", "Dockerfile", archive(t, "Dockerfile", "", "/etc/passwd", ""), `Failed to unpack the build context: "/etc/passwd" leads elsewhere`},
		{"twice", "Dockerfile", archive(t, "Dockerfile", "", "a", "", "a", ""), `Failed to unpack the build context: "a" is in it twice`},
		{"a pipe", "Dockerfile", archive(t, "Dockerfile", "", "a|", ""), `Failed to unpack the build context: "a" is of type '6'`},
		{"no Dockerfile", "docker/Dockerfile", good, "failed to read dockerfile: open docker/Dockerfile: no such file or directory"},
		{"too large", "Dockerfile", archive(t, "Dockerfile", "", "a", strings.Repeat("a", 1e6)), "The build context has 1000000 bytes unpacked, and may have 999999"},
		{"a directory", "sub", archive(t, "sub/", ""), "failed to read dockerfile: open sub: no such file or directory"},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := clientOf(t, &simulator.Cloud{MaxContext: 999999})
			b, _ := create(t, c, uploaded(t, c, tt.context), tt.dockerfile)
			time.Sleep(5 * time.Second)
			b, err := c.Build(t.Context(), b.ID)
			if err != nil || b.Status != "failed" || b.ErrorMessage != tt.message {
				t.Errorf("%s: got %s %q, %v, want failed %q", tt.name, b.Status, b.ErrorMessage, err, tt.message)
			}
		})
	}
}

func TestBuildRefusals(t *testing.T) {
	const nobody = "99999999-9999-4999-8999-999999999999"
	cloud := newCloud()
	c := newCaller(t, cloud)
	_, answer := c.call("POST", "/v1/builds/upload-url", `{"region":"us-west"}`)
	empty := answer["uploadId"].(string)
	sent := uploaded(t, clientOf(t, cloud), archive(t, "Dockerfile", ""))
	h := http.Handler(cloud) // without its contract, because some of these are not in it
	for _, tt := range []struct {
		method, path, body string
		status             int
		message            string
	}{
		{"POST", "/v1/builds/upload-url", `{"region":"moon"}`, 400, "Cloud builds are not enabled for region 'moon'"},
		{"POST", "/v1/builds/upload-url", `{}`, 400, "Cloud builds are not enabled for region ''"},
		{"POST", "/v1/builds/upload-url", `region`, 400, "Invalid parameters"},
		{"POST", "/v1/builds", `{"uploadId":"` + nobody + `","region":"us-west"}`, 400, "Upload not found"},
		{"POST", "/v1/builds", `{"uploadId":"` + empty + `","region":"us-west"}`, 400, "Upload not found"},
		{"POST", "/v1/builds", `{"uploadId":"` + sent + `","region":"us-east"}`, 400, "Upload is for region 'us-west'"},
		{"POST", "/v1/builds", `{"uploadId":"` + sent + `"}`, 400, "Invalid parameters"},
		{"POST", "/v1/builds", `{"uploadId":"x","region":"us-west"}`, 400, "Invalid parameters"},
		{"POST", "/v1/builds", `{"uploadId":"` + sent + `","region":"us-west","dockerfilePath":"../Dockerfile"}`, 400, "Invalid parameters"},
		{"POST", "/v1/builds", `{"uploadId":"` + sent + `","region":"us-west","dockerfilePath":"/Dockerfile"}`, 400, "Invalid parameters"},
		{"GET", "/v1/builds?limit=0", "", 400, "Invalid parameters"},
		{"GET", "/v1/builds?limit=101", "", 400, "Invalid parameters"},
		{"GET", "/v1/builds?limit=x", "", 400, "Invalid parameters"},
		{"GET", "/v1/builds?offset=-1", "", 400, "Invalid parameters"},
		{"GET", "/v1/builds?status=done", "", 400, "Invalid parameters"},
		{"GET", "/v1/builds/x/logs", "", 400, "Invalid build ID format"},
		{"GET", "/v1/builds/" + nobody + "/logs", "", 404, "Build not found"},
		{"GET", "/v1/builds/" + goodBuild + "/logs?limit=0", "", 400, "Invalid parameters"},
		{"GET", "/v1/builds/" + goodBuild + "/logs?limit=10001", "", 400, "Invalid parameters"},
	} {
		before := len(cloud.Builds())
		status, answer := caller{t, h}.call(tt.method, tt.path, tt.body)
		if message, _ := answer["error"].(string); status != tt.status || !strings.Contains(message, tt.message) {
			t.Errorf("%s %s %s: got %d %q, want %d %q", tt.method, tt.path, tt.body, status, message, tt.status, tt.message)
		}
		if n := len(cloud.Builds()); n != before {
			t.Errorf("%s %s %s: a refused request left %d builds, want %d", tt.method, tt.path, tt.body, n, before)
		}
	}
}

func TestListBuilds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCaller(t, newCloud())
		time.Sleep(30 * time.Second)
		names := map[string]string{goodBuild: "good", runningBuild: "running", failedBuild: "failed", farBuild: "far"}
		for query, want := range map[string]string{
			"":                                      "4: far failed running good",
			"?limit=2":                              "4: far failed",
			"?limit=2&offset=3":                     "4: good",
			"?offset=9":                             "4:",
			"?status=success":                       "2: far good",
			"?status=building":                      "1: running",
			"?status=success&region=us-west":        "1: good",
			"?contextHash=a1b2c3d4e5f6a7b8&limit=1": "4: far",
			"?contextHash=b1b2c3d4e5f6a7b8":         "0:",
		} {
			_, answer := c.call("GET", "/v1/builds"+query, "")
			got := fmt.Sprintf("%v:", answer["total"])
			for _, b := range answer["builds"].([]any) {
				got += " " + names[b.(map[string]any)["id"].(string)]
			}
			if got != want {
				t.Errorf("%s: got %s, want %s", query, got, want)
			}
		}
	})
}

// TestLogEnds holds which end of a log is given.
func TestLogEnds(t *testing.T) {
	for _, tail := range []bool{false, true} {
		cloud := &simulator.Cloud{TailLogs: tail}
		cloud.AddBuild(simulator.Build{ID: goodBuild, Log: "a\nb\nc\n"})
		for query, want := range map[string]string{"": "[a b c] <nil>", "?limit=3": "[a b c] <nil>",
			"?limit=2": map[bool]string{false: "[a b] eyJuZXh0VG9rZW4iOiAiMSJ9", true: "[b c] eyJuZXh0VG9rZW4iOiAiMSJ9"}[tail]} {
			_, answer := newCaller(t, cloud).call("GET", "/v1/builds/"+goodBuild+"/logs"+query, "")
			if got := fmt.Sprint(answer["logs"], " ", answer["nextToken"]); got != want {
				t.Errorf("%s: got %s, want %s", query, got, want)
			}
		}
	}
}

// TestServed goes the way from a context to a build over a real connection.
func TestServed(t *testing.T) {
	cloud := &simulator.Cloud{BuildScripts: map[string]simulator.BuildScript{"ok": {}}}
	server := httptest.NewServer(newCaller(t, cloud).h)
	defer server.Close()
	base, _ := url.Parse(server.URL + "/v1")
	c := &pipecat.Client{Base: base, Key: "sk_test"}
	b, _ := create(t, c, uploaded(t, c, archive(t, "Dockerfile", "FROM a\n")), "")
	if b.Status != "success" {
		t.Errorf("got %+v", b)
	}
	if _, cached := create(t, c, uploaded(t, c, archive(t, "Dockerfile", "FROM a\n")), ""); !cached {
		t.Error("the same is built twice")
	}
}
