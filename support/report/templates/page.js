// How old the run is can only be told when the page is read. Without this script the date alone is there.
for (const time of document.querySelectorAll("time[data-age]")) {
  const hours = (Date.now() - Date.parse(time.dateTime)) / 36e5;
  if (!(hours >= 0)) continue;
  const days = Math.floor(hours / 24);
  const age = days ? `${days} day${days > 1 ? "s" : ""} ago`
    : hours >= 1 ? `${Math.floor(hours)} hour${hours >= 2 ? "s" : ""} ago`
    : hours * 60 >= 2 ? `${Math.floor(hours * 60)} minutes ago` : "just now";
  time.append(` (${age})`);
  if (days && time.dataset.age === "run") {
    document.querySelector("#age-told").textContent = `${days} day${days > 1 ? "s" : ""} old`;
    document.querySelector("#old").hidden = false;
  }
}
