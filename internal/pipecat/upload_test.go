package pipecat_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
)

// zeros is a file without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func bucket() *pipecat.Upload {
	return &pipecat.Upload{ID: "i", URL: "https://bucket.example/context?part=of#it",
		Fields: map[string]string{"key": "org/i.tar.gz", "bucket": "context", "X-Amz-Signature": "s", "Policy": "a\r\nb"}}
}

func TestUploadURL(t *testing.T) {
	var n int
	const doc = `{"uploadId":"i","uploadUrl":"https://b.example","uploadFields":{"key":"k","Policy":"p ` + key + `"},"expiresAt":"2026-02-20T12:15:00.000Z"}`
	u, err := client(answers(&n, answer(200, doc))).UploadURL(t.Context(), "us-west")
	if err != nil || u.ID != "i" || u.URL != "https://b.example" || len(u.Fields) != 2 || u.Fields["key"] != "k" || u.ExpiresAt.Minute() != 15 {
		t.Errorf("got %+v, %v", u, err)
	}
	if u.Fields["Policy"] != "p ***" {
		t.Errorf("the bucket would see the key: %q", u.Fields)
	}
	for body, want := range map[string]string{
		`{"uploadUrl":"u","uploadFields":{}}`:                                 `no "uploadId" is in it`,
		`{"uploadId":"i","uploadFields":{}}`:                                  `no "uploadUrl" is in it`,
		`{"uploadId":"i","uploadUrl":"u"}`:                                    `no "uploadFields" are in it`,
		`{"uploadId":"i","uploadUrl":"u","uploadFields":{"key":7}}`:           `no "uploadFields" are in it`,
		`{"uploadId":"i","uploadUrl":"u","uploadFields":["key"],"x":null}`:    `no "uploadFields" are in it`,
		`{"uploadId":"i","uploadUrl":"u","uploadFields":` + fields(101) + `}`: `no "uploadFields" are in it`,
	} {
		var e *pipecat.Error
		if u, err := client(answers(&n, answer(200, body))).UploadURL(t.Context(), "r"); !errors.As(err, &e) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: got %+v, %v", body, u, err)
		}
	}
}

// fields is a form with so many fields.
func fields(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`"f%d":"v"`, i))
	}
	return "{" + strings.Join(all, ",") + "}"
}

// TestManyFields holds that a form may have as many fields as any bucket asks for.
func TestManyFields(t *testing.T) {
	var n int
	u, err := client(answers(&n, answer(200, `{"uploadId":"i","uploadUrl":"u","uploadFields":`+fields(100)+`}`))).UploadURL(t.Context(), "r")
	if err != nil || len(u.Fields) != 100 {
		t.Errorf("%d fields, %v", len(u.Fields), err)
	}
}

// TestUpload holds, over a real connection, the form to what a bucket accepts.
func TestUpload(t *testing.T) {
	for _, tt := range []struct{ name, given, sent string }{
		{"no explicit type", "", "application/gzip"},
		{"an explicit type", "application/x-tar", "application/x-tar"},
	} {
		file := bytes.Repeat([]byte("0123456789"), 1<<20/10)
		size := int64(len(file))
		var asked int
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			if r.Method != "POST" || r.URL.RequestURI() != "/b?x=1" || r.ContentLength <= size || len(r.TransferEncoding) > 0 || r.Header.Get("User-Agent") != "test/1" {
				t.Errorf("%s %s of %d bytes, %v: %v", r.Method, r.URL.RequestURI(), r.ContentLength, r.TransferEncoding, r.Header)
			}
			if text := fmt.Sprint(r.Header); strings.Contains(text, "Authorization") || strings.Contains(text, key) {
				t.Errorf("the bucket sees the key: %s", text)
			}
			form, err := r.MultipartReader()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for {
				part, err := form.NextPart()
				if err == io.EOF {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				data, _ := io.ReadAll(part)
				if part.FormName() == "file" {
					if !bytes.Equal(data, file) || part.FileName() != "context.tar.gz" || part.Header.Get("Content-Type") != "application/gzip" {
						t.Errorf("another file: %d bytes, %v", len(data), part.Header)
					}
					data = nil
				}
				got = append(got, part.FormName()+"="+string(data))
			}
			want := []string{"Policy=a\r\nb", "X-Amz-Signature=s", "bucket=context", "key=org/i.tar.gz", "Content-Type=" + tt.sent, "file="}
			if strings.Join(got, "&") != strings.Join(want, "&") {
				t.Errorf("%s: got %q\nwant %q", tt.name, got, want)
			}
			w.WriteHeader(http.StatusNoContent)
		}))
		u := bucket()
		u.URL = server.URL + "/b?x=1"
		if tt.given != "" {
			u.Fields["Content-Type"] = tt.given
		}
		var last int64
		c := &pipecat.Client{Key: key, UserAgent: "test/1"}
		// What is read beyond size is not sent.
		err := c.Upload(t.Context(), u, io.MultiReader(bytes.NewReader(file), zeros{}), size, func(sent int64) {
			if sent < last {
				t.Errorf("%d bytes after %d", sent, last)
			}
			last = sent
		})
		if err != nil || asked != 1 || last != size {
			t.Errorf("%s: %v after %d requests, reported %d bytes", tt.name, err, asked, last)
		}
		server.Close()
	}
}

func TestUploadRedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was asked", r.Host) }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			http.Redirect(w, r, elsewhere.URL, status)
		}))
		u := bucket()
		u.URL = server.URL
		err := new(pipecat.Client).Upload(t.Context(), u, zeros{}, 1<<10, nil)
		var e *pipecat.UploadError
		if !errors.As(err, &e) || e.Status != status || e.Temporary() || e.Expired() {
			t.Errorf("%d: got %v", status, err)
		}
		server.Close()
	}
}

func TestUploadRefused(t *testing.T) {
	words := func(code, message string) string {
		return `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>" + code + "</Code><Message>" + message + "</Message><Token>secret</Token></Error>"
	}
	for _, tt := range []struct {
		name               string
		answer             func(http.ResponseWriter)
		text               string
		expired, temporary bool
	}{
		{"expired", answer(403, words("AccessDenied", "Invalid according to Policy: Policy expired.")),
			"403 Forbidden: Invalid according to Policy: Policy expired. (AccessDenied)", true, false},
		{"expired token", answer(400, words("ExpiredToken", "The provided token has expired.")), "400 Bad Request: The provided token has expired. (ExpiredToken)", true, false},
		{"signature", answer(403, words("SignatureDoesNotMatch", "no &amp; no")), "403 Forbidden: no & no (SignatureDoesNotMatch)", false, false},
		{"too large", answer(400, words("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")),
			"400 Bad Request: Your proposed upload exceeds the maximum allowed size (EntityTooLarge)", false, false},
		{"too slow", answer(400, words("RequestTimeout", "idle")), "400 Bad Request: idle (RequestTimeout)", false, true},
		{"cut short", answer(400, words("IncompleteBody", "short")), "400 Bad Request: short (IncompleteBody)", false, true},
		{"load", answer(503, words("SlowDown", "Please reduce your request rate.")), "503 Service Unavailable: Please reduce your request rate. (SlowDown)", false, true},
		{"fault", answer(500, ""), "500 Internal Server Error", false, true},
		{"garbage", answer(403, "<html>\n<b>no"), `403 Forbidden: "<html>"`, false, false},
		{"other XML", answer(502, `<?xml version="1.0"?><x><Code>7</Code></x>`), `502 Bad Gateway: "<?xml version=\"1.0\"?><x><Code>7</Code></x>"`, false, true},
		{"another charset", answer(403, `<?xml version="1.0" encoding="x"?><Error><Code>C</Code></Error>`), `403 Forbidden: "<?xml version=\"1.0\" encoding=\"x\"?><Error><Code>C</Code></Error>"`, false, false},
		{"nothing", answer(403, ""), "403 Forbidden", false, false},
		{"half of it", func(w http.ResponseWriter) {
			w.WriteHeader(403)
			io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>Policy expired.</Message><Tok")
			panic(http.ErrAbortHandler)
		}, "403 Forbidden: Policy expired. (AccessDenied)", true, false},
		{"endless", answer(403, "<Error><Code>"+strings.Repeat("x", 1<<20)), "", false, false},
		{"long", answer(403, words(strings.Repeat("C", 1<<14), strings.Repeat("m", 1<<14))), "", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := client(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				tt.answer(w)
			})
			err := c.Upload(t.Context(), bucket(), zeros{}, 1<<20, nil)
			var e *pipecat.UploadError
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *UploadError", err)
			}
			if tt.text != "" && err.Error() != "upload to https://bucket.example/context: "+tt.text {
				t.Errorf("got  %s\nwant %s", err, tt.text)
			}
			if e.Expired() != tt.expired || e.Temporary() != tt.temporary {
				t.Errorf("expired %v, temporary %v", e.Expired(), e.Temporary())
			}
			if n := len(err.Error()); n > 3<<10 || len(e.Body) > 4<<10 || strings.Contains(fmt.Sprintf("%+v", e), "secret") {
				t.Errorf("shows too much: %d bytes", n)
			}
			if other := (*pipecat.Error)(nil); errors.As(err, &other) {
				t.Error("a bucket's refusal is none of the API's")
			}
		})
	}
}

func TestUploadAddress(t *testing.T) {
	var asked int
	c := client(func(w http.ResponseWriter, r *http.Request) {
		asked++
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
	for _, tt := range []struct {
		address string
		ok      bool
	}{
		{"https://bucket.example", true}, {"http://127.0.0.1:1/b", true}, {"http://[::1]/b", true}, {"http://localhost/b", true},
		{"http://bucket.example", false}, {"http://localhost.example", false}, {"ftp://localhost/", false}, {"bucket.example", false},
		{"https://", false}, {"https://u:p@bucket.example", false}, {"https://a b/", false}, {"/b", false}, {"", false},
	} {
		asked = 0
		u := bucket()
		u.URL = tt.address
		err := c.Upload(t.Context(), u, zeros{}, 9, nil)
		var e *pipecat.UploadError
		if tt.ok != (err == nil) || tt.ok != (asked == 1) || err != nil && (!errors.As(err, &e) || e.Temporary() || strings.Contains(err.Error(), "u:p")) {
			t.Errorf("%q: %v after %d requests", tt.address, err, asked)
		}
	}
}

// TestUploadBroken holds the errors of a broken connection and of a broken file.
func TestUploadBroken(t *testing.T) {
	taken := func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusNoContent)
	}
	unreadable := errors.New("input/output error")
	for _, tt := range []struct {
		name      string
		bucket    http.HandlerFunc
		file      io.Reader
		text      string
		temporary bool
	}{
		{"cut half way", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, 1<<19)
			panic(http.ErrAbortHandler)
		}, zeros{}, "connection reset by peer", true},
		{"answered half way", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, 1<<19)
			w.WriteHeader(http.StatusNoContent)
		}, zeros{}, "it was answered before all was sent", true},
		{"a file that ends", taken, io.LimitReader(zeros{}, 1000), "the context ends after 1000 of 1048576 bytes", false},
		{"an empty file", taken, strings.NewReader(""), "the context ends after 0 of 1048576 bytes", false},
		{"a file that fails", taken, iotest.ErrReader(unreadable), "input/output error", false},
	} {
		err := client(tt.bucket).Upload(t.Context(), bucket(), tt.file, 1<<20, nil)
		var e *pipecat.UploadError
		if !errors.As(err, &e) || err.Error() != "upload to https://bucket.example/context: "+tt.text || e.Temporary() != tt.temporary || e.Expired() {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}

// TestUploadTime holds that an upload may take long, and not stand still.
func TestUploadTime(t *testing.T) {
	// slowly reads so many bytes, a hundredth of them each 50 seconds.
	slowly := func(r *http.Request, n int64) {
		for range 100 {
			_, _ = io.CopyN(io.Discard, r.Body, n/100)
			time.Sleep(50 * time.Second)
		}
	}
	hang := func(r *http.Request) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	for _, tt := range []struct {
		name   string
		bucket http.HandlerFunc
		stop   time.Duration
		took   time.Duration
		err    string
	}{
		{"slow", func(w http.ResponseWriter, r *http.Request) {
			slowly(r, 100<<10)
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusNoContent)
		}, 0, 5000 * time.Second, ""},
		{"no data is accepted", func(_ http.ResponseWriter, r *http.Request) { hang(r) }, 0, time.Minute, "no data was accepted or returned for 1m"},
		{"half is taken", func(_ http.ResponseWriter, r *http.Request) {
			slowly(r, 50<<10)
			hang(r)
		}, 0, 99*50*time.Second + time.Minute, "no data was accepted or returned for 1m"},
		{"no answer", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			hang(r)
		}, 0, time.Minute, "no data was accepted or returned for 1m"},
		{"a refusal without an end", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(403)
			io.WriteString(w, "<Error><Code>X</Code>")
			hang(r)
		}, 0, time.Minute, "403 Forbidden (X)"},
		{"cancelled", func(_ http.ResponseWriter, r *http.Request) { hang(r) }, 7 * time.Second, 7 * time.Second, "context deadline exceeded"},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx := t.Context()
			if tt.stop > 0 {
				var cancel func()
				ctx, cancel = context.WithTimeout(ctx, tt.stop)
				defer cancel()
			}
			began := time.Now()
			err := client(tt.bucket).Upload(ctx, bucket(), zeros{}, 100<<10, nil)
			if took := time.Since(began); took != tt.took || fmt.Sprint(err) != "upload to https://bucket.example/context: "+tt.err && (err != nil || tt.err != "") {
				t.Errorf("%s: %v after %s, want %q after %s", tt.name, err, took, tt.err, tt.took)
			}
			var e *pipecat.UploadError
			if errors.As(err, &e); tt.stop > 0 && (e.Temporary() || !errors.Is(err, ctx.Err())) || errors.Is(err, context.Canceled) {
				t.Errorf("%s: temporary %v", tt.name, e.Temporary())
			}
		})
	}
}

// TestUploadEnds holds that what was to be uploaded is left alone once Upload has
// returned, though a connection may want more of it.
func TestUploadEnds(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer server.Close()
	u := bucket()
	u.URL = server.URL
	for range 20 {
		var over atomic.Bool
		file := readerFunc(func(p []byte) (int, error) {
			if over.Load() {
				t.Error("the file is read after the upload's end")
			}
			return zeros{}.Read(p)
		})
		err := new(pipecat.Client).Upload(t.Context(), u, file, 1<<40, func(int64) {
			if over.Load() {
				t.Error("there is progress after the upload's end")
			}
		})
		over.Store(true)
		if err == nil {
			t.Error("no error")
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// FuzzBucket holds that whatever a bucket refuses with is an error of few words.
func FuzzBucket(f *testing.F) {
	for _, seed := range []string{"", "<Error>", "<Error><Code>C</Code><Message>expired</Message></Error>", "<?xml version='1.0'?><a>&lt;</a>", "<Error><Code><Code>x", "\x00\xff"} {
		f.Add(uint16(103), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, which uint16, body []byte) {
		status := 300 + int(which)%300
		var n int
		err := client(answers(&n, answer(status, string(body)))).Upload(t.Context(), bucket(), zeros{}, 1, nil)
		var e *pipecat.UploadError
		if !errors.As(err, &e) || e.Status != status || len(err.Error()) > 4<<10 || e.Expired() && e.Code+e.Message == "" {
			t.Errorf("got %v", err)
		}
	})
}
