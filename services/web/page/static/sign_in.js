// Signs in with a link: what follows its # is sent as a key, and leaves the address, because it works once.

function signIn() {
  const token = location.hash.slice(1);
  if (!token) return;
  history.replaceState(null, "", location.pathname);
  const field = document.getElementById("key");
  field.value = token;
  field.form.requestSubmit();
}

addEventListener("hashchange", signIn); // the form was open already
signIn();
