package simulator_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
)

// post is a form as the bucket accepts it, and what a test does to it.
type post struct {
	fields map[string]string
	names  []string // in their order; "file" among them
	file   []byte
}

func (p post) request(u *pipecat.Upload) *http.Request {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, name := range p.names {
		if name != "file" {
			_ = w.WriteField(name, p.fields[name])
			continue
		}
		part, _ := w.CreateFormFile("file", "context.tar.gz")
		_, _ = part.Write(p.file)
	}
	w.Close()
	r := httptest.NewRequest("POST", u.URL, &b)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return r
}

// TestBucketRefusals holds the bucket to what S3 refuses. A refused context has
// not come.
func TestBucketRefusals(t *testing.T) {
	good := archive(t, "Dockerfile", "FROM a\n")
	drop := func(name string) func(*post) {
		return func(p *post) { p.names = slices.DeleteFunc(p.names, func(n string) bool { return n == name }) }
	}
	set := func(name, value string) func(*post) {
		return func(p *post) {
			if p.fields[name] == "" {
				p.names = slices.Insert(p.names, 0, name)
			}
			p.fields[name] = value
		}
	}
	const mismatch = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
	for _, tt := range []struct {
		name    string
		form    func(*post)
		request func(*http.Request)
		status  int
		words   string
	}{
		{"good", nil, nil, 204, ""},
		{"another method", nil, func(r *http.Request) { r.Method = "PUT" }, 405, "MethodNotAllowed: The specified method is not allowed against this resource."},
		{"a key", nil, func(r *http.Request) { r.Header.Set("Authorization", "Bearer sk") }, 400, "InvalidArgument: Only one auth mechanism allowed"},
		{"chunks", nil, func(r *http.Request) { r.ContentLength = -1 }, 411, "MissingContentLength: You must provide the Content-Length HTTP header."},
		{"no form", nil, func(r *http.Request) { r.Header.Set("Content-Type", "application/gzip") }, 412, "PreconditionFailed: Bucket POST must be of the enclosure-type multipart/form-data"},
		{"another boundary", nil, func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") }, 400, "MalformedPOSTRequest: The body of your POST request is not well-formed multipart/form-data."},
		{"half a form", nil, func(r *http.Request) { r.Body = io.NopCloser(io.LimitReader(r.Body, r.ContentLength-90)) }, 400, "IncompleteBody: You did not provide the number of bytes specified by the Content-Length HTTP header"},
		{"no file", drop("file"), nil, 400, "InvalidArgument: POST requires exactly one file upload per request."},
		{"two files", func(p *post) { p.names = append(p.names, "file") }, nil, 400, "InvalidArgument: POST requires exactly one file upload per request."},
		{"an empty file", func(p *post) { p.file = nil }, nil, 400, "EntityTooSmall: Your proposed upload is smaller than the minimum allowed size"},
		{"a large file", func(p *post) { p.file = make([]byte, 1001) }, nil, 400, "EntityTooLarge: Your proposed upload exceeds the maximum allowed size"},
		{"file first", func(p *post) { slices.Reverse(p.names) }, nil, 403, "AccessDenied: Access Denied"},
		{"no policy", drop("Policy"), nil, 403, "AccessDenied: Access Denied"},
		{"no signature", drop("X-Amz-Signature"), nil, 403, "AccessDenied: Access Denied"},
		{"no token", drop("X-Amz-Security-Token"), nil, 403, "AccessDenied: Access Denied"},
		{"no type", drop("Content-Type"), nil, 403, `AccessDenied: Invalid according to Policy: Policy Condition failed: ["eq", "$Content-Type", "application/gzip"]`},
		{"another type", set("Content-Type", "text/plain"), nil, 403, `AccessDenied: Invalid according to Policy: Policy Condition failed: ["eq", "$Content-Type", "application/gzip"]`},
		{"another signature", set("X-Amz-Signature", "x"), nil, 403, "SignatureDoesNotMatch: " + mismatch},
		{"another policy", set("Policy", "x"), nil, 403, "SignatureDoesNotMatch: " + mismatch},
		{"one more field", set("Extra", "x"), nil, 403, "AccessDenied: Invalid according to Policy: Extra input fields: extra"},
		{"a field twice", func(p *post) { p.names = slices.Insert(p.names, 0, "key") }, nil, 400, "MalformedPOSTRequest: The body of your POST request is not well-formed multipart/form-data."},
		{"long fields", set("Policy", strings.Repeat("x", 20<<10)), nil, 400, "MaxPostPreDataLengthExceeded: Your POST request fields preceding the upload file were too large."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cloud := &simulator.Cloud{MaxContext: 1000}
			u, err := clientOf(t, cloud).UploadURL(t.Context(), "us-west")
			if err != nil {
				t.Fatal(err)
			}
			p := post{u.Fields, append(slices.Sorted(maps.Keys(u.Fields)), "file"), good}
			if tt.form != nil {
				tt.form(&p)
			}
			r := p.request(u)
			if tt.request != nil {
				tt.request(r)
			}
			w := httptest.NewRecorder()
			cloud.ServeHTTP(w, r)
			words := ""
			if body := w.Body.String(); body != "" {
				_, code, _ := strings.Cut(body, "<Code>")
				code, rest, _ := strings.Cut(code, "</Code><Message>")
				message, _, _ := strings.Cut(rest, "</Message>")
				words = code + ": " + strings.ReplaceAll(message, "&#34;", `"`)
			}
			if w.Code != tt.status || words != tt.words {
				t.Errorf("got %d %s\nwant %d %s", w.Code, words, tt.status, tt.words)
			}
			if n := len(cloud.Uploads()); (n == 1) != (tt.status == 204) {
				t.Errorf("%d contexts have come", n)
			}
		})
	}
}

func TestBucketExpiry(t *testing.T) {
	for _, tt := range []struct {
		name          string
		after, expiry time.Duration
		chunk         int // bytes that are taken each second; 0: all at once
		expired       bool
	}{
		{"in time", 15*time.Minute - 1, 0, 0, false},
		{"late", 15 * time.Minute, 0, 0, true},
		{"an explicit expiry", time.Minute, time.Minute, 0, true},
		{"begins in time, and ends late", 0, time.Minute, 10, true},
		{"begins and ends in time", 0, time.Hour, 10, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			cloud := &simulator.Cloud{UploadExpiry: tt.expiry, Skew: time.Hour}
			var h http.Handler = cloud
			if tt.chunk > 0 {
				h = simulator.Slow(h, simulator.IsUpload, tt.chunk, time.Second)
			}
			c := clientOf(t, h)
			u, err := c.UploadURL(t.Context(), "us-west")
			if err != nil {
				t.Fatal(err)
			}
			if expiry := max(tt.expiry, time.Minute); tt.expiry > 0 && time.Until(u.ExpiresAt.Time) != expiry+time.Hour {
				t.Errorf("%s: expires in %s by its clock", tt.name, time.Until(u.ExpiresAt.Time))
			}
			time.Sleep(tt.after)
			context := archive(t, "Dockerfile", "FROM a\n")
			err = c.Upload(t.Context(), u, bytes.NewReader(context), int64(len(context)), nil)
			var e *pipecat.UploadError
			if tt.expired != (errors.As(err, &e) && e.Expired()) || !tt.expired && err != nil {
				t.Errorf("%s: got %v", tt.name, err)
			}
		})
	}
}

// TestUploadFaults holds that a broken upload can be made again, and is then whole.
func TestUploadFaults(t *testing.T) {
	for name, fault := range map[string]func(http.Handler, simulator.When) http.Handler{
		"cut":   func(h http.Handler, when simulator.When) http.Handler { return simulator.Cut(h, when, 1200) },
		"stall": func(h http.Handler, when simulator.When) http.Handler { return simulator.Stall(h, when, 1200) },
	} {
		synctest.Test(t, func(t *testing.T) {
			cloud := &simulator.Cloud{}
			c := clientOf(t, fault(cloud, simulator.Between(1, 1, simulator.IsUpload)))
			u, err := c.UploadURL(t.Context(), "us-west")
			if err != nil {
				t.Fatal(err)
			}
			context := archive(t, "Dockerfile", "FROM a\n")
			began := time.Now()
			var e *pipecat.UploadError
			if err := c.Upload(t.Context(), u, bytes.NewReader(context), int64(len(context)), nil); !errors.As(err, &e) || !e.Temporary() || len(cloud.Uploads()) > 0 {
				t.Errorf("%s: got %v", name, err)
			}
			if took := time.Since(began); took != map[string]time.Duration{"cut": 0, "stall": time.Minute}[name] {
				t.Errorf("%s: took %s", name, took)
			}
			if err := c.Upload(t.Context(), u, bytes.NewReader(context), int64(len(context)), nil); err != nil || len(cloud.Uploads()) != 1 {
				t.Errorf("%s: got %v", name, err)
			}
		})
	}
}

// TestChunks holds that a body of unknown length comes in chunks, in the process
// as over a connection.
func TestChunks(t *testing.T) {
	server := httptest.NewServer(new(simulator.Cloud))
	defer server.Close()
	for _, transport := range []http.RoundTripper{simulator.Transport(new(simulator.Cloud)), http.DefaultTransport} {
		for _, tt := range []struct {
			body io.Reader
			want int
		}{{struct{ io.Reader }{strings.NewReader("x")}, 411}, {strings.NewReader("x"), 412}} {
			r, _ := http.NewRequest("POST", server.URL+"/bucket", tt.body)
			resp, err := transport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != tt.want {
				t.Errorf("%T: got %d, want %d", transport, resp.StatusCode, tt.want)
			}
		}
	}
}

// TestBucketAddress holds where contexts are to go.
func TestBucketAddress(t *testing.T) {
	for host, want := range map[string]string{"api.example.com": "https://api.example.com/bucket", "127.0.0.1:80": "http://127.0.0.1:80/bucket",
		"localhost:80": "http://localhost:80/bucket", "[::1]:80": "http://[::1]:80/bucket", "[::1]": "http://[::1]/bucket"} {
		r := httptest.NewRequest("POST", "/v1/builds/upload-url", strings.NewReader(`{"region":"us-west"}`))
		r.Host = host
		r.Header.Set("Authorization", "Bearer sk")
		w := httptest.NewRecorder()
		new(simulator.Cloud).ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), `"uploadUrl":"`+want+`"`) {
			t.Errorf("%s: got %s", host, w.Body)
		}
	}
	cloud := &simulator.Cloud{Bucket: "https://bucket.example/bucket"}
	if id := uploaded(t, clientOf(t, cloud), archive(t, "Dockerfile", "")); cloud.Uploads()[0].ID != id {
		t.Errorf("got %+v", cloud.Uploads())
	}
}

// TestSealed holds that a sealed bucket accepts what it does not read, and that
// such a context is built.
func TestSealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{SkipUnpack: true}
		c := clientOf(t, cloud)
		b, _ := create(t, c, uploaded(t, c, []byte("anything")), "Dockerfile")
		time.Sleep(time.Minute)
		if b, err := c.Build(t.Context(), b.ID); err != nil || b.Status != "success" || cloud.Uploads()[0].Names != nil {
			t.Errorf("got %+v, %v, of %+v", b, err, cloud.Uploads())
		}
	})
}

// TestBucketMemory holds that a context is not kept.
func TestBucketMemory(t *testing.T) {
	var file bytes.Buffer
	w, _ := gzip.NewWriterLevel(&file, gzip.NoCompression)
	noise := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	plain, _ := gzip.NewReader(bytes.NewReader(archive(t, "Dockerfile", "FROM a\n", "noise", strings.Repeat(string(noise), 32))))
	_, _ = io.Copy(w, plain)
	w.Close()
	cloud := &simulator.Cloud{}
	c := clientOf(t, cloud)
	u, err := c.UploadURL(t.Context(), "us-west")
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err = c.Upload(t.Context(), u, bytes.NewReader(file.Bytes()), int64(file.Len()), nil)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; err != nil || used > 4<<20 || cloud.Uploads()[0].Unpacked < 32<<20 {
		t.Errorf("%v; took %d KiB for a context of %d KiB", err, used>>10, file.Len()>>10)
	}
}
